"""What a member's sync asks for: resource types, and the companion parameter each search needs.

Companions are what the guides require beside `patient` (US Core 6.1.0 server CapabilityStatement:
SHALL-support search combinations). One table, so that the plan can be read at a glance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

EVERYTHING_COUNT = 20  # small enough that an ordinary member has more than one page
SEARCH_COUNT = 50

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
"""Type → companion parameters, one search each; the order of a sync. Other types come after them."""

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


@dataclass(frozen=True)
class Offer:
    """What metadata offers: types that can be searched by patient, how the Patient is asked for ("search",
    "read" or not at all), whether `$everything` is named, and the base's other addresses. Not
    `said`: it says nothing of types."""

    searched: frozenset[str]
    patient: str = "search"
    everything: bool = False
    names: tuple[str, ...] = ()
    said: bool = True

    def told(self) -> list[str]:
        """The types that metadata names as searchable by patient."""
        return sorted(self.searched) if self.said else []


NOTHING_SAID = Offer(WITHOUT_METADATA, said=False)
"""Without metadata the fixed list is asked for, and nothing has been promised."""


@dataclass(frozen=True)
class Search:
    """One search of a sync: `path` is what follows the base. `single`: it reads one resource instead.
    Not `promised`: metadata does not name the type, so that only an answer 200 counts."""

    resource: str
    path: str
    single: bool = False
    promised: bool = True


def searches(patient: str, scope: str, offer: Offer) -> Iterator[Search]:
    """The searches of one member: what is offered, as far as the scopes open it."""
    grants = read_scopes(scope)
    if offer.patient != "read" and allows(grants, "Patient", ""):
        path = f"Patient?{urlencode({'_id': patient, '_count': SEARCH_COUNT})}"
        yield Search("Patient", path, promised=offer.patient == "search")
    elif offer.patient == "read" and allows(read_scopes(scope, "r"), "Patient", ""):
        yield Search("Patient", f"Patient/{quote(patient, safe='')}", single=True)
    others = sorted(offer.searched - SEARCHES.keys() - {"Patient"})
    for resource in (*SEARCHES, *others):
        for companion in SEARCHES.get(resource, _WITHOUT):
            if resource in offer.searched and allows(grants, resource, companion):
                mine = urlencode({"patient": patient})
                query = "&".join(part for part in (mine, companion, f"_count={SEARCH_COUNT}") if part)
                yield Search(resource, f"{resource}?{query}")


@dataclass(frozen=True)
class GrantedScopes:
    """One clinical scope that lets a member's data be had; `only` are its parameters (SMART v2)."""

    resource: str
    only: tuple[str, ...] = ()


_SCOPE = re.compile(r"(?:patient|user)/(\*|[A-Z]\w+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?")


def read_scopes(scope: str, action: str = "s") -> tuple[GrantedScopes, ...]:
    """The grants in a scope string that allow searching, or another action (SMART App Launch 2.2 §3.0.2, v1
    and v2)."""
    found = []
    for word in scope.split():
        match = _SCOPE.fullmatch(word)
        if match and (match[2] in ("read", "*") or action in match[2]):
            found.append(GrantedScopes(match[1], tuple((match[3] or "").split("&")) if match[3] else ()))
    return tuple(found)


def allows(grants: tuple[GrantedScopes, ...], resource: str, companion: str) -> bool:
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
