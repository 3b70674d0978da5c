"""What a payer records of a member's care beside the claims.

Facts only, no FHIR: a `RecordEntry` says what was recorded, when, and at which visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts import Fill, Organization, Practitioner, Relative, Term
from sandbox.synth.facts.care import Aim, Allergen, Implant, Question
from sandbox.synth.facts.events import Event, HealthProblem, LabResult, Prescription, Vitals


@dataclass(frozen=True, eq=False)
class Record:
    """Something of a record, and its day. No two are equal: they refer to each other by identity."""

    day: date


@dataclass(frozen=True, eq=False)
class LabOrder(Record):
    """A panel: ordered at a visit, drawn on `day`, one result for each test.

    The tests whose codes are `lost` gave no value. `requester` None: nobody we know.
    """

    ordered: date
    panel: str
    results: tuple[LabResult, ...]
    lost: frozenset[str]
    laboratory: Organization
    requester: Practitioner | None
    reason: Term | None


@dataclass(frozen=True, eq=False)
class Measured(Record):
    """Vitals as they are on paper: the lower pressure may be unheard, the weight declined."""

    vitals: Vitals
    heard: bool
    weighed: bool


@dataclass(frozen=True, eq=False)
class Order(Record):
    """A prescription, good until the day `ends`, when its supply or its turn is over."""

    prescription: Prescription
    ends: date


@dataclass(frozen=True, eq=False)
class Dispensing(Record):
    """A fill that was handed over, and the order it belongs to (None: one we do not hold)."""

    fill: Fill
    order: Order | None
    pharmacy: Organization


@dataclass(frozen=True, eq=False)
class Signs(Record):
    """Vital signs of an illness: beats and breaths per minute, °C, percent, liters per minute."""

    pulse: int
    breaths: int
    temperature: Decimal
    oxygen: int
    flow: int | None


@dataclass(frozen=True, eq=False)
class Growth(Record):
    """Growth percentiles of a child. Head circumference is measured of the smallest only."""

    bmi: int | None
    weight: int | None
    head: Decimal | None
    head_percentile: int | None


@dataclass(frozen=True, eq=False)
class Tracing(Record):
    """An electrocardiogram: a P-R interval in ms (None: there is none to measure)."""

    interval: int | None


@dataclass(frozen=True, eq=False)
class Note(Record):
    """A clinician's note on a visit."""

    kind: str


@dataclass(frozen=True, eq=False)
class Done(Record):
    """A procedure; `left` is the device that stayed in the body."""

    what: Term
    left: Carried | None


@dataclass(frozen=True, eq=False)
class Allergy(Record):
    allergen: Allergen
    onset: int


@dataclass(frozen=True, eq=False)
class Carried(Record):
    """A device in the body: made on a day, known by lot and serial number."""

    implant: Implant
    manufactured: date
    lot: str
    serial: str


@dataclass(frozen=True, eq=False)
class Answer(Record):
    """An answer to a question; `more` is the answer to another that goes with it."""

    name: str
    question: Question
    value: Term | int
    more: tuple[Question, Term] | None = None


@dataclass(frozen=True, eq=False)
class Screening(Record):
    """A questionnaire: questions with answers (None: declined), and the score."""

    panel: Question
    answers: tuple[tuple[Question, Term | None], ...]
    score: tuple[Question, Term]


@dataclass(frozen=True, eq=False)
class Need(Record):
    """A social problem, over by `resolved`."""

    what: Term
    resolved: date | None


@dataclass(frozen=True, eq=False)
class ImmunizationRefusal(Record):
    """A vaccination that was offered and not wanted."""

    vaccine: Term


@dataclass(frozen=True, eq=False)
class Care(Record):
    """The plan for a member's lasting conditions, who helps, and what is aimed at by when."""

    aims: tuple[tuple[Aim, HealthProblem], ...]
    due: date
    doctor: Practitioner
    clinic: Organization
    relative: Relative | None


@dataclass(frozen=True, eq=False)
class RecordEntry:
    """Something of the record, the visit it was made at, and the day it was written down."""

    written: date
    visit: Visit | None
    what: Record | Visit | Event

    @classmethod
    def at(cls, visit: Visit, what: Record | Visit | Event) -> RecordEntry:
        """Return what was noted at a visit: it is known when the visit is over."""
        return cls(visit.last, visit, what)
