"""What happens to a member's body, in plain words: problems, results, vaccinations, orders.

Days are `date`, measurements Decimal or int in the units named. Nothing here knows FHIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.synth.facts import Claim, Drug, Organization, Practitioner, Term


@dataclass(frozen=True)
class LabTest:
    """A laboratory test. Bounds are Decimals whose digits are the precision of a result."""

    what: Term
    unit: str
    ucum: str
    normal: tuple[Decimal, Decimal]
    usual: tuple[Decimal, Decimal]
    when: Mapping[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True)
class Event:
    """Something that happened to a member on a day."""

    day: date


@dataclass(frozen=True)
class HealthProblem(Event):
    """A lasting condition on the problem list."""

    what: Term
    onset: date


@dataclass(frozen=True)
class ClinicalFinding(Event):
    """What a visit was about: a condition that passes, over by `resolved` if that day has come."""

    what: Term
    resolved: date | None


@dataclass(frozen=True)
class LabResult(Event):
    test: LabTest
    value: Decimal
    laboratory: Organization


@dataclass(frozen=True)
class Vitals(Event):
    """Taken at a visit: mmHg, kg, cm. Weight and height are None where only the pressure was taken."""

    systolic: int
    diastolic: int
    weight: Decimal | None
    height: Decimal | None
    by: Practitioner


@dataclass(frozen=True)
class Vaccination(Event):
    vaccine: Term
    by: Practitioner


@dataclass(frozen=True)
class Prescription(Event):
    """An order for a drug; `active` says that today it is still good."""

    drug: Drug
    reason: Term
    by: Practitioner
    refills: int
    days: int
    quantity: Decimal
    active: bool


@dataclass(frozen=True)
class Episode:
    """What a story leaves behind. Its events happened only if its claims were settled in time."""

    claims: tuple[Claim, ...] = ()
    events: tuple[Event, ...] = ()
