"""The index of a population: a table with one row for each login, to find a member to test with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from sandbox.synth.population import Dossier

PERSON = ("username", "password", "role", "line", "patient", "purpose")
TYPES = (
    "Patient",
    "RelatedPerson",
    "Coverage",
    "ExplanationOfBenefit",
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Immunization",
    "Media",
    "MedicationDispense",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ServiceRequest",
    "Specimen",
)
CLAIMS = ("inpatient", "outpatient", "professional", "vision", "pharmacy", "oral")


def rows(dossiers: Iterable[Dossier], today: date) -> Iterator[list[str]]:
    """A heading, then a row for each login: who it is, how many of each type and kind of claim.

    What is told by the morning of `today` counts, and the versions of one resource count once.
    Somebody who acts for a member has the counts of that member, who comes before them.
    """
    yield [*PERSON, *TYPES, *CLAIMS]
    counts: dict[str, list[str]] = {}
    for dossier in dossiers:
        account = dossier.account
        if account is None:
            continue
        if dossier.resources:
            counts[account.patient] = list(_counts(dossier.resources, today.isoformat()))
        person = (
            account.username,
            account.password,
            account.role,
            account.line,
            account.patient,
            account.purpose,
        )
        yield [*person, *counts[account.patient]]


def _counts(resources: Iterable[dict[str, Any]], today: str) -> Iterator[str]:
    """How many of each of TYPES, then of each of CLAIMS."""
    ids: dict[str, set[str]] = {}
    for resource in resources:
        if resource["meta"]["lastUpdated"] >= today:
            continue
        kind = resource["resourceType"]
        ids.setdefault(kind, set()).add(resource["id"])
        if kind == "ExplanationOfBenefit":
            ids.setdefault(_claim(resource), set()).add(resource["id"])
    return (str(len(ids.get(name, ()))) for name in (*TYPES, *CLAIMS))


def _claim(resource: dict[str, Any]) -> str:
    """The kind of claim: the type, and for a hospital's the subtype instead."""
    of = "subType" if "subType" in resource else "type"
    return str(resource[of]["coding"][0]["code"])
