"""What hospitals and dentists bill: `hospital.yaml`, `dental.yaml`.

Licensed sets (NUBC, CDT) are bare values here as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from sandbox.synth.config.fixture import EVERY_AGE, coded
from sandbox.synth.facts import Term


@dataclass(frozen=True)
class DoctorsBill:
    """A doctor's bill beside the hospital's: services once, and `daily` for every night."""

    specialty: str
    services: tuple[str, ...]
    daily: str | None = None


@dataclass(frozen=True)
class HospitalProcedure:
    """A procedure of ICD-10-PCS, and the day of the stay on which it is done (0: the first)."""

    what: Term
    day: int


@dataclass(frozen=True)
class Admission:
    """A kind of inpatient stay. `daily` and `once`: revenue code → USD charged; `rate` is what is paid.

    `nights` are the fewest and the most.
    """

    reason: Annotated[Term, coded()]
    diagnosis: Annotated[Term, coded()]
    drg: str
    rate: Decimal
    nights: tuple[int, int]
    admission: str
    origin: str
    discharge: str
    procedures: tuple[Annotated[HospitalProcedure, coded("what", system="procedures_system")], ...]
    daily: dict[str, Decimal]
    once: dict[str, Decimal]
    doctors: tuple[DoctorsBill, ...]
    ages: tuple[int, int] = EVERY_AGE


@dataclass(frozen=True)
class Attendance:
    """A kind of outpatient visit to a hospital, and the services that are billed for it."""

    reason: Annotated[Term, coded()]
    diagnosis: Annotated[Term, coded()]
    services: tuple[str, ...]
    doctors: tuple[DoctorsBill, ...]
    ages: tuple[int, int] = EVERY_AGE


@dataclass(frozen=True)
class Hospital:
    """Types of bill by subtype, and what happens in a hospital, each by its short name."""

    bills: dict[str, str]
    stays: dict[str, Admission]
    emergencies: dict[str, Attendance]
    surgeries: dict[str, Attendance]
    treatments: dict[str, Attendance]


@dataclass(frozen=True)
class DentalService:
    """A service of a dentist. Descriptions of CDT are licensed: the code is all the name there is."""

    what: Term
    fee: Decimal
    benefit: str


@dataclass(frozen=True)
class Dentistry:
    """Dentists' services by short name, the teeth that get fillings, the surfaces filled first."""

    services: dict[str, Annotated[DentalService, coded("what", name="code")]]
    back_teeth: tuple[str, ...]
    surfaces: tuple[str, ...]
