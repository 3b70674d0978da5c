"""The record: what a payer holds of a member's care beside the claims.

Facts only, no FHIR: an `Entry` says what was recorded, when, and at which visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts import Fill, Organization, Practitioner, Relative, Term
from sandbox.synth.facts.care import Aim, Allergen, Implant, Question
from sandbox.synth.facts.events import (
    ClinicalFinding,
    HealthProblem,
    LabResult,
    Prescription,
    Vaccination,
    Vitals,
)


@dataclass(frozen=True, eq=False)
class LabOrder:
    """A panel: ordered at a visit, drawn on `day`, one result for each test.

    The tests whose codes are `lost` gave no value. `requester` None: nobody we know.
    """

    day: date
    ordered: date
    panel: str
    results: tuple[LabResult, ...]
    lost: frozenset[str]
    laboratory: Organization
    requester: Practitioner | None
    reason: Term | None


@dataclass(frozen=True, eq=False)
class Measured:
    """Vitals as they are on paper: the lower pressure may be unheard, the weight declined."""

    day: date
    vitals: Vitals
    heard: bool
    weighed: bool


@dataclass(frozen=True, eq=False)
class Order:
    """A prescription, good until the day `ends`, when its supply or its turn is over."""

    day: date
    prescription: Prescription
    ends: date


@dataclass(frozen=True, eq=False)
class Dispensing:
    """A fill that was handed over, and the order it belongs to (None: one we do not hold)."""

    day: date
    fill: Fill
    order: Order | None
    pharmacy: Organization


@dataclass(frozen=True, eq=False)
class Signs:
    """Taken of somebody who is ill: beats and breaths a minute, degrees Celsius, percent, litres a minute."""

    day: date
    pulse: int
    breaths: int
    temperature: Decimal
    oxygen: int
    flow: int | None


@dataclass(frozen=True, eq=False)
class Growth:
    """How a child compares with others of its age: percentiles; head and length only of the smallest."""

    day: date
    bmi: int | None
    weight: int | None
    head: Decimal | None
    head_percentile: int | None


@dataclass(frozen=True, eq=False)
class Tracing:
    """An electrocardiogram: a P-R interval in ms (None: there is none to measure)."""

    day: date
    interval: int | None


@dataclass(frozen=True, eq=False)
class Note:
    """A clinician's note on a visit."""

    day: date
    kind: str


@dataclass(frozen=True, eq=False)
class Done:
    """A procedure; `left` is the device that stayed in the body."""

    day: date
    what: Term
    left: Carried | None


@dataclass(frozen=True, eq=False)
class Allergy:
    day: date
    allergen: Allergen
    onset: int


@dataclass(frozen=True, eq=False)
class Carried:
    """A device in the body: made on a day, known by lot and serial number."""

    day: date
    implant: Implant
    manufactured: date
    lot: str
    serial: str


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer to a question; `more` is the answer to another that goes with it."""

    day: date
    name: str
    question: Question
    value: Term | int
    more: tuple[Question, Term] | None = None


@dataclass(frozen=True, eq=False)
class Screening:
    """A questionnaire: question and answer (None: declined), in order, and what follows from them."""

    day: date
    panel: Question
    answers: tuple[tuple[Question, Term | None], ...]
    score: tuple[Question, Term]


@dataclass(frozen=True, eq=False)
class Need:
    """A social problem, over by `resolved`."""

    day: date
    what: Term
    resolved: date | None


@dataclass(frozen=True, eq=False)
class ImmunizationRefusal:
    """A vaccination that was offered and not wanted."""

    day: date
    vaccine: Term


@dataclass(frozen=True, eq=False)
class Care:
    """The plan for a member's lasting conditions, who helps, and what is aimed at by when."""

    day: date
    aims: tuple[tuple[Aim, HealthProblem], ...]
    due: date
    doctor: Practitioner
    clinic: Organization
    relative: Relative | None


Record = (
    Visit
    | HealthProblem
    | ClinicalFinding
    | Measured
    | Vaccination
    | LabOrder
    | Order
    | Dispensing
    | Signs
    | Growth
    | Tracing
    | Note
    | Done
    | Allergy
    | Carried
    | Answer
    | Screening
    | Need
    | ImmunizationRefusal
    | Care
)


@dataclass(frozen=True, eq=False)
class RecordEntry:
    """Something of the record, the visit it was made at, and the day it was written down."""

    written: date
    visit: Visit | None
    what: Record

    @classmethod
    def at(cls, visit: Visit, what: Record) -> RecordEntry:
        """Return what was noted at a visit: it is known when the visit is over."""
        return cls(visit.last, visit, what)
