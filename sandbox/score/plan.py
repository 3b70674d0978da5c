"""What a member's sync asks for: resource types, and the companion parameter each search needs.

Companions are what the guides require beside `patient` (US Core 6.1.0 server CapabilityStatement:
SHALL-support search combinations). One table, so that the plan can be read at a glance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

EVERYTHING_COUNT = 20  # small enough that an ordinary member has more than one page

_WITHOUT: tuple[str, ...] = ("",)

SEARCHES: dict[str, tuple[str, ...]] = {
    "Coverage": _WITHOUT,
    "ExplanationOfBenefit": _WITHOUT,
    "AllergyIntolerance": _WITHOUT,
    "CarePlan": ("category=assess-plan",),
    "CareTeam": ("status=active",),
    "Condition": (
        "category=encounter-diagnosis",
        "category=problem-list-item",
        "category=health-concern",
    ),
    "Device": _WITHOUT,
    "DiagnosticReport": ("category=LAB",),
    "DocumentReference": ("category=clinical-note",),
    "Encounter": _WITHOUT,
    "Goal": _WITHOUT,
    "Immunization": _WITHOUT,
    "MedicationDispense": _WITHOUT,
    "MedicationRequest": ("intent=order",),
    "MedicationStatement": _WITHOUT,
    "Observation": ("category=laboratory", "category=vital-signs", "category=social-history"),
    "Procedure": _WITHOUT,
    "ServiceRequest": _WITHOUT,
    "Specimen": _WITHOUT,
    "FamilyMemberHistory": _WITHOUT,
    "QuestionnaireResponse": _WITHOUT,
    "RelatedPerson": _WITHOUT,
    "Provenance": _WITHOUT,
}
"""Type → companion parameters, one search each; the order of a sync."""

WITHOUT_METADATA = frozenset(
    {
        "AllergyIntolerance",
        "CarePlan",
        "CareTeam",
        "Condition",
        "Coverage",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "ExplanationOfBenefit",
        "Goal",
        "Immunization",
        "MedicationRequest",
        "Observation",
        "Procedure",
    }
)
"""The fixed list, when no metadata says what is served: CARIN Blue Button and US Core's core."""

CLAIMS = frozenset({"Patient", "Coverage", "ExplanationOfBenefit"})


@dataclass(frozen=True)
class Search:
    """One search of a sync: `query` is ready to follow the type and a question mark."""

    resource: str
    query: str

    @property
    def path(self) -> str:
        return f"{self.resource}?{self.query}"


def searches(
    patient: str, scope: str, served: frozenset[str] | None, shown: frozenset[str]
) -> Iterator[Search]:
    """The searches of one member. `served` is what metadata says, None when there is none.

    Without metadata the fixed list is asked for, narrowed to the types `$everything` has shown (if it
    showed any): asking for types a payer does not have would charge it twice for one missing document.
    """
    if served is None:
        served = WITHOUT_METADATA & (shown | CLAIMS) if shown else WITHOUT_METADATA
    grants = read_scopes(scope)
    if allows(grants, "Patient", ""):
        yield Search("Patient", urlencode({"_id": patient}))
    for resource, companions in SEARCHES.items():
        for companion in companions:
            if resource in served and allows(grants, resource, companion):
                query = urlencode({"patient": patient})
                yield Search(resource, f"{query}&{companion}" if companion else query)


@dataclass(frozen=True)
class Grant:
    """One clinical scope that lets a member's data be searched; `only` are its parameters (SMART v2)."""

    resource: str
    only: tuple[str, ...] = ()


_SCOPE = re.compile(r"(?:patient|user)/(\*|[A-Z]\w+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?")


def read_scopes(scope: str) -> tuple[Grant, ...]:
    """The grants in a scope string that allow searching (SMART App Launch 2.2 §3.0.2, v1 and v2)."""
    found = []
    for word in scope.split():
        match = _SCOPE.fullmatch(word)
        if match and (match[2] in ("read", "*") or "s" in match[2]):
            found.append(Grant(match[1], tuple((match[3] or "").split("&")) if match[3] else ()))
    return tuple(found)


def allows(grants: tuple[Grant, ...], resource: str, companion: str) -> bool:
    """Whether some grant lets this search through; a narrowed grant only the category it names."""
    name, _, code = companion.partition("=")
    return any(
        grant.resource in ("*", resource)
        and (not grant.only or any(_narrows_to(part, name, code) for part in grant.only))
        for grant in grants
    )


def _narrows_to(part: str, name: str, code: str) -> bool:
    said, _, value = part.partition("=")
    return bool(name) and said == name and value.rpartition("|")[2] == code
