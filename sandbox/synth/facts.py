"""What is true of the synthetic world, in plain words: people, policies, providers, claims.

Money is Decimal in USD with two digits, days are `date`. Nothing here knows FHIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Gender = Literal["female", "male"]


@dataclass(frozen=True)
class Term:
    """A code of a published code system. `name` is its published name, or our own wording."""

    system: str
    code: str
    name: str


@dataclass(frozen=True)
class Address:
    line: str
    city: str
    state: str
    postal_code: str


# --- who provides ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Organisation:
    """The payer, or a place that bills it. `markup`: what it asks, relative to the contracted fee."""

    id: str
    kind: str
    name: str
    tax_id: str
    address: Address
    phone: str
    npi: str | None = None
    payer_code: str | None = None
    markup: Decimal = Decimal(1)


@dataclass(frozen=True)
class Practitioner:
    """A clinician. `specialty` is a NUCC taxonomy code, `workplace` the id of an organisation."""

    id: str
    given: str
    family: str
    npi: str
    specialty: str
    workplace: str
    address: Address
    phone: str


@dataclass(frozen=True)
class Network:
    """The payer and everybody it has a contract with."""

    payer: Organisation
    organisations: tuple[Organisation, ...]
    practitioners: tuple[Practitioner, ...]

    def of_kind(self, kind: str) -> tuple[Organisation, ...]:
        return tuple(o for o in self.organisations if o.kind == kind)

    def staff(self, organisation: Organisation) -> tuple[Practitioner, ...]:
        return tuple(p for p in self.practitioners if p.workplace == organisation.id)


# --- who is insured --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What a member pays for one kind of benefit: a copay first, then deductible, then coinsurance."""

    copay: Decimal
    coinsurance: Decimal
    deductible: bool


@dataclass(frozen=True)
class Plan:
    """A plan's design. `deductible` is for a calendar year; `type` a code of v3-ActCode."""

    code: str
    name: str
    group: str
    group_name: str
    type: str
    deductible: Decimal
    sharing: Mapping[str, Share]


@dataclass(frozen=True)
class Policy:
    """One coverage of one member: first and last day (None: still running)."""

    id: str
    line: str
    plan: Plan
    member_id: str
    start: date
    end: date | None

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class Person:
    given: str
    family: str
    gender: Gender
    birth_date: date
    address: Address
    phone: str
    race: Term
    ethnicity: Term


@dataclass(frozen=True)
class Member:
    """A person with policies, oldest first. `number` counts members from 1 and makes the ids.

    `enrolled` is the day the payer first heard of the member, always before today.
    """

    number: int
    person: Person
    policies: tuple[Policy, ...]
    conditions: tuple[str, ...]
    enrolled: date
    doctor: Practitioner

    @property
    def patient_id(self) -> str:
        return f"mbr-{self.number:04d}"

    def policy_on(self, day: date) -> Policy | None:
        return next((p for p in self.policies if p.covers(day)), None)

    def age_on(self, day: date) -> int:
        born = self.person.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# --- claims ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Denial:
    """Why a line is not paid: a claim adjustment reason code; may the member be billed for it?"""

    code: str
    member_pays: bool


@dataclass(frozen=True)
class Line:
    """One line of a bill. `charge` is what is asked and `fee` what the contract allows, for all units.

    `benefit` is the key of the plan's cost sharing; `place` a CMS place of service (None: pharmacy).
    """

    what: Term
    units: Decimal
    charge: Decimal
    fee: Decimal
    benefit: str
    place: str | None = None
    denial: Denial | None = None


@dataclass(frozen=True)
class Seat:
    """A practitioner's role in a claim: rendering, primary, referring, prescribing."""

    role: str
    practitioner: Practitioner


@dataclass(frozen=True)
class Drug:
    """A clinical drug and the (made-up) product that is dispensed for it."""

    clinical: Term
    ndc: str
    tier: str
    unit_cost: Decimal
    per_day: Decimal
    unit: str
    days: tuple[int, ...]
    take: str


@dataclass(frozen=True)
class Fill:
    """One dispensing: `number` 0 is the first, `authorized` counts the refills after it."""

    drug: Drug
    number: int
    authorized: int
    days: int
    quantity: Decimal


@dataclass(frozen=True)
class Trip:
    """An ambulance ride."""

    miles: Decimal
    pick_up: str
    drop_off: str


@dataclass(frozen=True)
class Claim:
    """What a provider billed and when it went through. `kind` chooses the renderer."""

    kind: Literal["professional", "vision", "pharmacy"]
    served: date
    received: date
    processed: date
    paid: date
    provider: Organisation
    team: tuple[Seat, ...]
    diagnoses: tuple[Term, ...]
    lines: tuple[Line, ...]
    fill: Fill | None = None
    trip: Trip | None = None


@dataclass(frozen=True)
class Amounts:
    """What adjudication made of one line. `noncovered_billable` is the part the member must pay."""

    submitted: Decimal
    noncovered: Decimal
    noncovered_billable: Decimal
    discount: Decimal
    eligible: Decimal
    copay: Decimal
    deductible: Decimal
    coinsurance: Decimal
    prior_payer_paid: Decimal
    benefit: Decimal

    @property
    def member_liability(self) -> Decimal:
        return self.copay + self.deductible + self.coinsurance + self.noncovered_billable


@dataclass(frozen=True)
class Settled:
    """A claim after adjudication: its number, the policy in force, amounts line by line."""

    id: str
    number: str
    claim: Claim
    policy: Policy
    amounts: tuple[Amounts, ...]
