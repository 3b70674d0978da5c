"""Plans a member's sync: the searches that metadata offers and that the scopes allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sandbox.score.fhir.searches import SEARCHES, WITHOUT

EVERYTHING_COUNT = 20  # small enough that an ordinary member has more than one page
SEARCH_COUNT = 50

WITHOUT_METADATA = frozenset(SEARCHES) - {
    "FamilyMemberHistory", "MedicationDispense", "MedicationStatement", "Provenance",
    "QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen",
}  # fmt: skip
"""The types searched when no metadata says what is served: CARIN Blue Button and the core of US Core."""


@dataclass(frozen=True)
class Offer:
    """What metadata offers: `searched` types can be searched by patient.

    `patient` is "search", "read" or empty. `everything`: the operation is named. `names` are other addresses
    of the base. Not `is_stated`: metadata names no types.
    """

    searched: frozenset[str]
    patient: str = "search"
    everything: bool = False
    names: tuple[str, ...] = ()
    is_stated: bool = True

    @property
    def named_types(self) -> list[str]:
        """The types that metadata names as searchable by patient."""
        return sorted(self.searched) if self.is_stated else []


NOT_STATED = Offer(WITHOUT_METADATA, is_stated=False)
"""The offer without metadata: a fixed list of types, none of them promised."""


@dataclass(frozen=True)
class Search:
    """One search of a sync: `path` follows the base. `single`: it reads one resource instead.

    Not `promised`: metadata does not name the type, so that only an answer 200 counts.
    """

    resource: str
    path: str
    single: bool = False
    promised: bool = True


def searches(patient: str, scope: str, offer: Offer) -> Iterator[Search]:
    """Yield the searches of one member: what is offered, as far as the scopes allow it."""
    grants = read_scopes(scope)
    if offer.patient != "read" and allows(grants, "Patient", ""):
        path = f"Patient?{urlencode({'_id': patient, '_count': SEARCH_COUNT})}"
        yield Search("Patient", path, promised=offer.patient == "search")
    elif offer.patient == "read" and allows(read_scopes(scope, "r"), "Patient", ""):
        yield Search("Patient", f"Patient/{quote(patient, safe='')}", single=True)
    others = sorted(offer.searched - frozenset(SEARCHES) - {"Patient"})
    for resource in (*SEARCHES, *others):
        for companion in SEARCHES.get(resource, WITHOUT):
            if resource in offer.searched and allows(grants, resource, companion):
                mine = urlencode({"patient": patient})
                query = "&".join(part for part in (mine, companion, f"_count={SEARCH_COUNT}") if part)
                yield Search(resource, f"{resource}?{query}")


@dataclass(frozen=True)
class GrantedScopes:
    """One clinical scope; `only` are its parameters (SMART v2)."""

    resource: str
    only: tuple[str, ...] = ()


_SCOPE = re.compile(r"(?:patient|user)/(\*|[A-Z]\w+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?")


def read_scopes(scope: str, action: str = "s") -> tuple[GrantedScopes, ...]:
    """Return the grants in a scope string that allow an action, by default searching.

    SMART App Launch 2.2 §3.0.2, v1 and v2.
    """
    grants = []
    for word in scope.split():
        match = _SCOPE.fullmatch(word)
        if match and (match[2] in ("read", "*") or action in match[2]):
            grants.append(GrantedScopes(match[1], tuple((match[3] or "").split("&")) if match[3] else ()))
    return tuple(grants)


def allows(grants: tuple[GrantedScopes, ...], resource: str, companion: str) -> bool:
    """Return whether some grant allows this search; a granular one only the category that it names."""
    name, _, code = companion.partition("=")
    for grant in grants:
        only = [part.partition("=") for part in grant.only]
        is_open = not only or (name and any(n == name and v.rpartition("|")[2] == code for n, _, v in only))
        if is_open and grant.resource in ("*", resource):
            return True
    return False
