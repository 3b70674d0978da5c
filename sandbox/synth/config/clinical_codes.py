"""The clinical code sets of `fixtures/codes/`: visits, reports, allergies, implants, answers, goals.

SNOMED CT is licensed: its codes come without its terms, and the names beside them are our own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sandbox.synth.facts import Term

T = TypeVar("T")
Read = Callable[[Path, Callable[[Any], T]], T]


@dataclass(frozen=True)
class Setting:
    """A kind of visit: its type, its class (v3-ActCode), the note it leaves with a probability."""

    what: Term
    klass: str
    note: str
    share: float


@dataclass(frozen=True)
class LabPanel:
    """What the report of a lab panel is called, and the material it is made from."""

    report: Term
    specimen: Term


@dataclass(frozen=True)
class Allergen:
    """Something to be allergic to. `published` says that the name of the term is the published one."""

    what: Term
    published: bool
    category: str
    reaction: Term
    severity: str
    share: float


@dataclass(frozen=True)
class Implant:
    """A device that is carried in the body: ages of those who have one, years until it expires."""

    what: Term
    device: str
    maker: str
    model: str
    ages: tuple[int, int]
    share: float
    years: int


@dataclass(frozen=True)
class Question:
    """Something that members are asked; answers with their weights."""

    what: Term
    published: bool
    answers: tuple[Term, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Aim:
    """What is planned for a lasting condition: a goal, and where it can be measured, the bound."""

    goal: str
    plan: str
    measure: str | None
    below: Decimal | None
    unit: str | None


@dataclass(frozen=True)
class Clinical:
    """All of it, by the short names used in the files. `procedures` are codes of services."""

    settings: Mapping[str, Setting]
    procedures: frozenset[str]
    panels: Mapping[str, LabPanel]
    studies: Mapping[str, Term]
    notes: Mapping[str, Term]
    allergens: Mapping[str, Allergen]
    implants: Mapping[str, Implant]
    questions: Mapping[str, Question]
    hungry: Term
    aims: Mapping[str, Aim]


def load_clinical(folder: Path, read: Callable[[Path, Callable[[Any], Any]], Any]) -> Clinical:
    """Read the clinical files of a folder with `read`, which names the file in what it raises."""
    settings, procedures = read(folder / "encounters.yaml", _encounters)
    panels, studies, notes = read(folder / "reports.yaml", _reports)
    questions, hungry = read(folder / "answers.yaml", _answers)
    return Clinical(
        settings=settings,
        procedures=procedures,
        panels=panels,
        studies=studies,
        notes=notes,
        allergens=read(folder / "allergies.yaml", _allergens),
        implants=read(folder / "implants.yaml", _implants),
        questions=questions,
        hungry=hungry,
        aims=read(folder / "goals.yaml", _aims),
    )


def _encounters(d: dict[str, Any]) -> tuple[dict[str, Setting], frozenset[str]]:
    settings = {
        k: Setting(Term(d["system"], v["code"], v["words"]), v["class"], v["note"], float(v["share"]))
        for k, v in d["visits"].items()
    }
    return settings, frozenset(d["procedures"])


def _reports(d: dict[str, Any]) -> tuple[dict[str, LabPanel], dict[str, Term], dict[str, Term]]:
    def named(entries: dict[str, Any]) -> dict[str, Term]:
        return {k: Term(d["system"], v["code"], v["name"]) for k, v in entries.items()}

    reports = named(d["panels"])
    panels = {
        k: LabPanel(reports[k], Term(SNOMED, v["specimen"], v["words"])) for k, v in d["panels"].items()
    }
    return panels, named(d["studies"]), named(d["notes"])


def _allergens(d: dict[str, Any]) -> dict[str, Allergen]:
    systems = d["systems"]
    reactions = {k: Term(systems["snomed"], v["code"], v["words"]) for k, v in d["reactions"].items()}
    return {
        k: Allergen(
            _coded(systems, v, v["words"]),
            "rxnorm" in v,
            v["category"],
            reactions[v["reaction"]],
            v["severity"],
            float(v["share"]),
        )
        for k, v in d["allergens"].items()
    }


def _implants(d: dict[str, Any]) -> dict[str, Implant]:
    def ages(v: list[int]) -> tuple[int, int]:
        youngest, oldest = v
        return youngest, oldest

    return {
        k: Implant(
            Term(d["system"], v["code"], v["words"]),
            v["device"],
            v["maker"],
            v["model"],
            ages(v["ages"]),
            float(v["share"]),
            v["years"],
        )
        for k, v in d["implants"].items()
    }


def _answers(d: dict[str, Any]) -> tuple[dict[str, Question], Term]:
    systems = d["systems"]
    questions = {
        k: Question(
            Term(systems["loinc"], v["code"], v["name"] if "name" in v else v["words"]),
            "name" in v,
            tuple(_coded(systems, a, a["words"]) for a in v["answers"]),
            tuple(float(a["weight"]) for a in v["answers"]),
        )
        for k, v in d["questions"].items()
    }
    hungry = d["hungry"]
    return questions, Term(systems["icd10"], hungry["code"], hungry["name"])


def _aims(d: dict[str, Any]) -> dict[str, Aim]:
    return {
        k: Aim(
            v["goal"],
            v["plan"],
            v.get("measure"),
            Decimal(v["below"]) if "below" in v else None,
            v.get("unit"),
        )
        for k, v in d["goals"].items()
    }


def _coded(systems: Mapping[str, str], v: Mapping[str, Any], words: str) -> Term:
    """A term whose system is the key that its code stands under."""
    key = next(name for name in systems if name in v)
    return Term(systems[key], v[key], words)


SNOMED = "http://snomed.info/sct"
