"""The code sets of `fixtures/codes/`.

Each file names its source and license. What is licensed (CPT, CDT, NUBC, X12, NCPDP) is not there, or
only as bare values without descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from sandbox.synth.config.billing_codes import Dentistry, Hospital
from sandbox.synth.config.clinical_codes import Allergies, Answers, Encounters, Goals, Implants, Reports
from sandbox.synth.config.fixture import EVERY_AGE, changed, coded, read
from sandbox.synth.facts import Denial, Drug, Ingredient, Term
from sandbox.synth.facts.events import LabTest

NDC_DIGITS = 11


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
    """A reason to see a specialist, and what the specialist bills; ages in years."""

    what: Term
    specialty: str
    services: tuple[str, ...]
    ages: tuple[int, int] = EVERY_AGE


@dataclass(frozen=True)
class Service:
    """A billable service. `fee` is the contracted USD of one unit, `revenue` a hospital's code.

    `units` are as many as are usually billed.
    """

    what: Term
    fee: Decimal
    benefit: str
    place: str
    revenue: str | None = None
    units: Decimal = Decimal(1)


@dataclass(frozen=True)
class Vaccine:
    """A vaccine: ages, how often, the first and last day of its use, services billed for it."""

    what: Term
    ages: tuple[int, int]
    every: str
    used: tuple[date, date]
    bill: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """A lab panel: what is billed for it, and its tests."""

    service: str
    tests: tuple[str, ...]


def _check_ndc(product: Any) -> Any:
    if len(product.ndc) != NDC_DIGITS:
        raise ValueError(f"an NDC has {NDC_DIGITS} digits: {product.ndc}")
    return product


@dataclass(frozen=True)
class Compound:
    """A compounded medicine. `cost` (contracted USD) and `quantity` are those of one dispensing."""

    drug: str
    name: str
    days: int
    quantity: Decimal
    unit: str
    cost: Decimal
    ingredients: tuple[Annotated[Ingredient, AfterValidator(_check_ndc)], ...]


@dataclass(frozen=True)
class Conditions:
    """conditions.yaml."""

    chronic: dict[str, Annotated[Chronic, coded("what")]]
    acute: dict[str, Annotated[Acute, coded("what")]]
    reasons: dict[str, Annotated[Term, coded()]]
    referrals: dict[str, Annotated[Referral, coded("what")]]


@dataclass(frozen=True)
class Services:
    """services.yaml."""

    services: dict[str, Annotated[Service, coded("what")]]
    denials: dict[str, Denial]


def _reject(code: Any) -> dict[str, Any]:
    # a fill that the pharmacy refuses is billed to nobody
    return {"code": code, "member_pays": False}


@dataclass(frozen=True)
class Drugs:
    """drugs.yaml."""

    drugs: dict[str, Annotated[Drug, coded("clinical", code="rxnorm"), AfterValidator(_check_ndc)]]
    compounds: dict[str, Compound]
    rejections: dict[str, Annotated[Denial, BeforeValidator(_reject)]]


@dataclass(frozen=True)
class Vaccines:
    """vaccines.yaml."""

    vaccines: dict[str, Annotated[Vaccine, coded("what")]]


@dataclass(frozen=True)
class Labs:
    """labs.yaml."""

    panels: dict[str, Panel]
    tests: dict[str, Annotated[LabTest, changed(lambda test, file: {"when": test["with"]}), coded("what")]]


@dataclass(frozen=True)
class Codes(
    Conditions, Services, Drugs, Vaccines, Labs, Encounters, Reports, Allergies, Implants, Answers, Goals
):
    """Everything of `fixtures/codes/`, by the short names used there."""

    hospital: Hospital
    dentistry: Dentistry


def load_codes(folder: Path) -> Codes:
    """Read every file of a folder of code sets. Raises FileProblem."""
    parts: dict[str, Any] = {}
    for kind in Codes.__bases__:
        parts |= vars(read(folder / f"{kind.__name__.lower()}.yaml", kind))
    return Codes(
        **parts,
        hospital=read(folder / "hospital.yaml", Hospital),
        dentistry=read(folder / "dental.yaml", Dentistry),
    )
