"""Clinical code sets of `fixtures/codes/`: visits, reports, allergies, implants, answers, goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from sandbox.synth.config.fixture import Json, changed, coded, find_term
from sandbox.synth.facts import Term
from sandbox.synth.facts.care import Aim, Allergen, Implant, Question

SNOMED = "http://snomed.info/sct"


@dataclass(frozen=True)
class Setting:
    """A kind of visit: its type, its class (v3-ActCode), the note it leaves with a probability."""

    what: Term
    klass: Annotated[str, Field(alias="class")]
    note: str
    share: float


@dataclass(frozen=True)
class LabPanel:
    """The name of a lab panel's report, and the specimen."""

    report: Term
    specimen: Term


def _panel(entry: Json, file: Json) -> Json:
    return {"specimen": {"system": SNOMED, "code": entry["specimen"], "name": entry["words"]}}


def _allergen(entry: Json, file: Json) -> Json:
    reaction = file["reactions"][entry["reaction"]]
    return {
        "what": find_term(entry, file),
        "published": "rxnorm" in entry,
        "reaction": {
            "system": file["systems"]["snomed"],
            "code": reaction["code"],
            "name": reaction["words"],
        },
    }


def _question(entry: Json, file: Json) -> Json:
    return {
        "published": "name" in entry,
        "answers": [find_term(answer, file) for answer in entry["answers"]],
        "weights": [answer["weight"] for answer in entry["answers"]],
    }


@dataclass(frozen=True)
class Encounters:
    """encounters.yaml. `procedures` are codes of services."""

    settings: Annotated[dict[str, Annotated[Setting, coded("what")]], Field(alias="visits")]
    procedures: frozenset[str]


@dataclass(frozen=True)
class Reports:
    """reports.yaml: of laboratories and cardiologists, and clinical notes."""

    lab_reports: Annotated[
        dict[str, Annotated[LabPanel, changed(_panel), coded("report")]], Field(alias="panels")
    ]
    studies: dict[str, Annotated[Term, coded()]]
    notes: dict[str, Annotated[Term, coded()]]


@dataclass(frozen=True)
class Allergies:
    """allergies.yaml."""

    allergens: dict[str, Annotated[Allergen, changed(_allergen)]]


@dataclass(frozen=True)
class Implants:
    """implants.yaml."""

    implants: dict[str, Annotated[Implant, coded("what")]]


@dataclass(frozen=True)
class Answers:
    """answers.yaml. `hungry` is the problem of members without enough food."""

    questions: dict[str, Annotated[Question, changed(_question), coded("what", system="systems.loinc")]]
    hungry: Annotated[Term, coded(system="systems.icd10")]


@dataclass(frozen=True)
class Goals:
    """goals.yaml, by chronic condition."""

    aims: Annotated[dict[str, Aim], Field(alias="goals")]
