"""The code sets of `fixtures/codes/`, read once into plain values.

Each file names its source and licence. What is licensed (CPT, CDT, NUBC, X12, NCPDP) is not there, or
only as bare values without descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sandbox.core.errors import FileProblem
from sandbox.core.files import read_yaml
from sandbox.synth.config.billing_codes import (
    EVERY_AGE,
    NDC_DIGITS,
    Compound,
    Dentistry,
    Hospital,
    compounds,
    dentistry,
    hospital,
)
from sandbox.synth.config.clinical_codes import Clinical, load_clinical
from sandbox.synth.facts import Denial, Drug, Term
from sandbox.synth.facts.events import LabTest

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """A billable service; `fee` is the contracted amount for one unit, `revenue` a hospital's code.

    `units` are as many as are usually billed.
    """

    what: Term
    fee: Decimal
    benefit: str
    place: str
    revenue: str | None
    units: Decimal


@dataclass(frozen=True)
class Chronic:
    """A lasting condition: visits in a year, lab panels each visit and each year, its drugs."""

    what: Term
    visits: int
    panels: tuple[str, ...]
    yearly: tuple[str, ...]
    drugs: tuple[str, ...]


@dataclass(frozen=True)
class Acute:
    """A passing condition and the drugs it may be treated with."""

    what: Term
    drugs: tuple[str, ...]


@dataclass(frozen=True)
class Referral:
    """What somebody is sent to a specialist for, and what the specialist bills; ages in years."""

    what: Term
    specialty: str
    services: tuple[str, ...]
    ages: tuple[int, int]


@dataclass(frozen=True)
class Vaccine:
    """A vaccine: whom it is for, how often, the first and last day of its use, what is billed for it."""

    what: Term
    ages: tuple[int, int]
    every: str
    used: tuple[date, date]
    bill: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    service: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Codes:
    """Everything of `fixtures/codes/`, by the short names used there."""

    chronic: Mapping[str, Chronic]
    acute: Mapping[str, Acute]
    referrals: Mapping[str, Referral]
    reasons: Mapping[str, Term]
    services: Mapping[str, Service]
    denials: Mapping[str, Denial]
    drugs: Mapping[str, Drug]
    rejections: Mapping[str, Denial]
    vaccines: Mapping[str, Vaccine]
    panels: Mapping[str, Panel]
    tests: Mapping[str, LabTest]
    compounds: Mapping[str, Compound]
    hospital: Hospital
    dentistry: Dentistry
    clinical: Clinical


def load_codes(folder: Path) -> Codes:
    """Read every file of a folder of code sets. Raises FileProblem."""
    conditions = read(folder / "conditions.yaml", _conditions)
    services = read(folder / "services.yaml", _services)
    labs = read(folder / "labs.yaml", _labs)
    return Codes(
        *conditions,
        *services,
        read(folder / "drugs.yaml", _drugs),
        read(folder / "drugs.yaml", _rejections),
        read(folder / "vaccines.yaml", _vaccines),
        *labs,
        read(folder / "drugs.yaml", compounds),
        read(folder / "hospital.yaml", hospital),
        read(folder / "dental.yaml", dentistry),
        load_clinical(folder, read),
    )


def _conditions(
    d: dict[str, Any],
) -> tuple[dict[str, Chronic], dict[str, Acute], dict[str, Referral], dict[str, Term]]:
    def term(v: dict[str, Any]) -> Term:
        return Term(d["system"], v["code"], v["name"])

    chronic = {
        k: Chronic(term(v), v["visits"], tuple(v["panels"]), tuple(v["yearly"]), tuple(v["drugs"]))
        for k, v in d["chronic"].items()
    }
    acute = {k: Acute(term(v), tuple(v["drugs"])) for k, v in d["acute"].items()}
    reasons = {k: term(v) for k, v in d["reasons"].items()}
    referrals = {
        k: Referral(term(v), v["specialty"], tuple(v["services"]), pair(v.get("ages", EVERY_AGE)))
        for k, v in d["referrals"].items()
    }
    return chronic, acute, referrals, reasons


def _services(d: dict[str, Any]) -> tuple[dict[str, Service], dict[str, Denial]]:
    services = {
        k: Service(
            Term(d["system"], v["code"], v["name"]),
            Decimal(v["fee"]),
            v["benefit"],
            v["place"],
            v.get("revenue"),
            Decimal(v.get("units", 1)),
        )
        for k, v in d["services"].items()
    }
    return services, {k: Denial(v["code"], v["member_pays"]) for k, v in d["denials"].items()}


def _drugs(d: dict[str, Any]) -> dict[str, Drug]:
    drugs = {
        k: Drug(
            clinical=Term(d["system"], v["rxnorm"], v["name"]),
            ndc=v["ndc"],
            tier=v["tier"],
            unit_cost=Decimal(v["unit_cost"]),
            per_day=Decimal(v["per_day"]),
            unit=v["unit"],
            days=tuple(v["days"]),
            take=v["take"],
            dose=v.get("dose"),
            every=v.get("every"),
        )
        for k, v in d["drugs"].items()
    }
    wrong = [k for k, drug in drugs.items() if len(drug.ndc) != NDC_DIGITS]
    if wrong:
        raise ValueError(f"an NDC has {NDC_DIGITS} digits: {', '.join(wrong)}")
    return drugs


def _rejections(d: dict[str, Any]) -> dict[str, Denial]:
    # what a pharmacy is refused, nobody is billed for: the medicine stays on the counter
    return {k: Denial(code, member_pays=False) for k, code in d["rejections"].items()}


def _vaccines(d: dict[str, Any]) -> dict[str, Vaccine]:
    def used(v: dict[str, Any]) -> tuple[date, date]:
        first, last = v["used"]
        return date.fromisoformat(first), date.fromisoformat(last)

    return {
        k: Vaccine(
            Term(d["system"], v["code"], v["name"]), pair(v["ages"]), v["every"], used(v), tuple(v["bill"])
        )
        for k, v in d["vaccines"].items()
    }


def _labs(d: dict[str, Any]) -> tuple[dict[str, Panel], dict[str, LabTest]]:
    def bounds(v: list[str]) -> tuple[Decimal, Decimal]:
        low, high = v
        return Decimal(low), Decimal(high)

    tests = {
        k: LabTest(
            Term(d["system"], v["code"], v["name"]),
            v["unit"],
            v["ucum"],
            bounds(v["normal"]),
            bounds(v["usual"]),
            {name: bounds(b) for name, b in v["with"].items()},
        )
        for k, v in d["tests"].items()
    }
    return {k: Panel(v["service"], tuple(v["tests"])) for k, v in d["panels"].items()}, tests


def read(path: Path, build: Callable[[Any], T]) -> T:
    """What `build` makes of a YAML file. Raises FileProblem naming the file and what is wrong."""
    data = read_yaml(path)
    try:
        return build(data)
    except KeyError as problem:
        raise FileProblem(f"{path}: {problem} is missing, or nothing has that name") from None
    except (TypeError, ValueError, ArithmeticError, AttributeError) as problem:
        raise FileProblem(f"{path}: {problem}") from None


def pair(v: list[int]) -> tuple[int, int]:
    """A lower and an upper bound."""
    low, high = v
    return low, high
