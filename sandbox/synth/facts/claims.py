"""What providers bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from sandbox.synth.facts.providers import Organization, Practitioner
from sandbox.synth.facts.terms import Term


@dataclass(frozen=True)
class Denial:
    """Why a line is not paid; may the member be billed for it?

    `code` is a claim adjustment reason code, or of a pharmacy's claim an NCPDP reject code.
    """

    code: str
    member_pays: bool


@dataclass(frozen=True)
class ClaimLine:
    """One line of a bill. `charge` is what is asked and `fee` what the contract allows, for all units.

    `benefit` is the key of the plan's cost sharing; `place` a CMS place of service (None: pharmacies and
    hospitals); `revenue` an NUBC revenue code of a hospital's line; `tooth` and `surfaces` are a dentist's.
    """

    what: Term
    units: Decimal
    charge: Decimal
    fee: Decimal
    benefit: str
    place: str | None = None
    denial: Denial | None = None
    revenue: str | None = None
    tooth: str | None = None
    surfaces: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.what.code, self.charge))


@dataclass(frozen=True)
class Seat:
    """A practitioner's role in a claim, such as rendering, referring, prescribing or attending."""

    role: str
    practitioner: Practitioner


@dataclass(frozen=True)
class Drug:
    """A clinical drug and the (made-up) product that is dispensed for it.

    `dose` units are taken at a time, once in `every` days; None: goes by `per_day`.
    """

    clinical: Term
    ndc: str
    tier: str
    unit_cost: Decimal
    per_day: Decimal
    unit: str
    days: tuple[int, ...]
    take: str
    dose: int | None = None
    every: int | None = None


@dataclass(frozen=True)
class Ingredient:
    """A product that went into a compound, and how much of it."""

    ndc: str
    quantity: Decimal
    unit: str


@dataclass(frozen=True)
class Fill:
    """One dispensing: `number` 0 is the first, `authorized` counts the refills after it.

    `unit` is that of `quantity`. A compound, mixed by the pharmacy, has ingredients.
    """

    drug: Drug
    number: int
    authorized: int
    days: int
    quantity: Decimal
    unit: str
    ingredients: tuple[Ingredient, ...] = ()


@dataclass(frozen=True)
class Trip:
    """An ambulance ride."""

    miles: Decimal
    pick_up: str
    drop_off: str


@dataclass(frozen=True)
class Surgery:
    """Something done to an inpatient: a procedure of ICD-10-PCS and its day."""

    what: Term
    day: date


@dataclass(frozen=True)
class Stay:
    """A hospital's bill apart from its lines: bare NUBC codes, and an MS-DRG for an inpatient.

    `reason` is what the patient came with: the admitting diagnosis, or the reason for the visit.
    """

    bill: str
    origin: str
    admission: str
    discharge: str
    reason: Term
    drg: str | None = None
    operations: tuple[Surgery, ...] = ()


@dataclass(frozen=True)
class Appeal:
    """The member contests a denial. `upheld`: the denial stands; otherwise a replacement follows."""

    filed: date
    decided: date
    upheld: bool


Kind = Literal["professional", "vision", "pharmacy", "oral", "inpatient", "outpatient"]


@dataclass(frozen=True)
class Claim:
    """What a provider billed and when it went through. `kind` chooses the renderer.

    `through` is the last day of service (None: the first). `capitated`: the provider is paid by the
    head, not for this. `replaces` is the earlier claim that this one corrects, `voided` the day the
    provider's cancellation of this one was processed.
    """

    kind: Kind
    served: date
    received: date
    processed: date
    paid: date
    provider: Organization
    team: tuple[Seat, ...]
    diagnoses: tuple[Term, ...]
    lines: tuple[ClaimLine, ...]
    fill: Fill | None = None
    trip: Trip | None = None
    stay: Stay | None = None
    through: date | None = None
    capitated: bool = False
    replaces: Claim | None = None
    voided: date | None = None
    appeal: Appeal | None = None

    @property
    def last_day(self) -> date:
        return self.through or self.served
