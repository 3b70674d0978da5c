"""What hospitals, dentists and compounding pharmacies bill: `hospital.yaml`, `dental.yaml`, `compounds:`.

Licensed sets (NUBC, CDT) are bare values here as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.synth.facts import Ingredient, Term

NDC_DIGITS = 11
EVERY_AGE = [0, 120]


@dataclass(frozen=True)
class DoctorsBill:
    """What a doctor bills beside the hospital: services once, and `daily` for every night (None: nothing)."""

    specialty: str
    services: tuple[str, ...]
    daily: str | None


@dataclass(frozen=True)
class Admission:
    """A kind of inpatient stay. `daily` and `once`: revenue code → USD charged; `rate` is what is paid.

    `nights` are the fewest and the most; `procedures` pair a term with the day of the stay.
    """

    reason: Term
    diagnosis: Term
    drg: str
    rate: Decimal
    nights: tuple[int, int]
    admission: str
    origin: str
    discharge: str
    procedures: tuple[tuple[Term, int], ...]
    daily: Mapping[str, Decimal]
    once: Mapping[str, Decimal]
    doctors: tuple[DoctorsBill, ...]
    ages: tuple[int, int]


@dataclass(frozen=True)
class Attendance:
    """A kind of outpatient visit to a hospital, and the services that are billed for it."""

    reason: Term
    diagnosis: Term
    services: tuple[str, ...]
    doctors: tuple[DoctorsBill, ...]
    ages: tuple[int, int]


@dataclass(frozen=True)
class Hospital:
    """Types of bill by subtype, and what happens in a hospital, each by its short name."""

    bills: Mapping[str, str]
    stays: Mapping[str, Admission]
    emergencies: Mapping[str, Attendance]
    surgeries: Mapping[str, Attendance]
    treatments: Mapping[str, Attendance]


@dataclass(frozen=True)
class DentalService:
    what: Term
    fee: Decimal
    benefit: str


@dataclass(frozen=True)
class Dentistry:
    """Dentists' services by short name, the teeth that get fillings, the surfaces filled first."""

    services: Mapping[str, DentalService]
    back_teeth: tuple[str, ...]
    surfaces: tuple[str, ...]


@dataclass(frozen=True)
class Compound:
    """A mixture for a medicine: `cost` is the contracted USD, `quantity` in `unit`, of one dispensing."""

    drug: str
    name: str
    days: int
    quantity: Decimal
    unit: str
    cost: Decimal
    ingredients: tuple[Ingredient, ...]


def hospital(d: dict[str, Any]) -> Hospital:
    """The content of hospital.yaml."""

    def term(v: dict[str, Any]) -> Term:
        return Term(d["system"], v["code"], v["name"])

    def attendances(found: dict[str, Any]) -> dict[str, Attendance]:
        return {
            k: Attendance(
                term(v["reason"]),
                term(v["diagnosis"]),
                tuple(v["services"]),
                _doctors(v["doctors"]),
                _pair(v.get("ages", EVERY_AGE)),
            )
            for k, v in found.items()
        }

    stays = {
        k: Admission(
            reason=term(v["reason"]),
            diagnosis=term(v["diagnosis"]),
            drg=v["drg"],
            rate=Decimal(v["rate"]),
            nights=_pair(v["nights"]),
            admission=v["admission"],
            origin=v["origin"],
            discharge=v["discharge"],
            procedures=tuple(
                (Term(d["procedures_system"], p["code"], p["name"]), p["day"]) for p in v["procedures"]
            ),
            daily={code: Decimal(usd) for code, usd in v["daily"].items()},
            once={code: Decimal(usd) for code, usd in v["once"].items()},
            doctors=_doctors(v["doctors"]),
            ages=_pair(v.get("ages", EVERY_AGE)),
        )
        for k, v in d["stays"].items()
    }
    return Hospital(
        d["bills"],
        stays,
        attendances(d["emergencies"]),
        attendances(d["surgeries"]),
        attendances(d["treatments"]),
    )


def _doctors(found: list[dict[str, Any]]) -> tuple[DoctorsBill, ...]:
    return tuple(DoctorsBill(v["specialty"], tuple(v["services"]), v.get("daily")) for v in found)


def dentistry(d: dict[str, Any]) -> Dentistry:
    """The content of dental.yaml."""
    services = {
        # CDT descriptions are licensed: the code is all the name there is
        k: DentalService(Term(d["system"], v["code"], v["code"]), Decimal(v["fee"]), v["benefit"])
        for k, v in d["services"].items()
    }
    return Dentistry(services, tuple(d["back_teeth"]), tuple(d["surfaces"]))


def compounds(d: dict[str, Any]) -> dict[str, Compound]:
    """`compounds:` of drugs.yaml. Raises ValueError for an NDC of another length."""
    found = {
        k: Compound(
            drug=v["drug"],
            name=v["name"],
            days=v["days"],
            quantity=Decimal(v["quantity"]),
            unit=v["unit"],
            cost=Decimal(v["cost"]),
            ingredients=tuple(
                Ingredient(i["ndc"], Decimal(i["quantity"]), i["unit"]) for i in v["ingredients"]
            ),
        )
        for k, v in d["compounds"].items()
    }
    wrong = [i.ndc for c in found.values() for i in c.ingredients if len(i.ndc) != NDC_DIGITS]
    if wrong:
        raise ValueError(f"an NDC has {NDC_DIGITS} digits: {', '.join(wrong)}")
    return found


def _pair(v: list[int]) -> tuple[int, int]:
    low, high = v
    return low, high
