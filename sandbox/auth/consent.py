"""A member consents to classes of data; dropping some of them narrows the scopes (pure).

Source: SMART App Launch 2.2.0: a server may grant other scopes than were requested, and says which. Members
of Medicare can drop demographics (Blue Button 2.0).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sandbox.auth.scopes import LASTING, USER, parse, reads_user, resource_scopes

DATA: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "demographics": ("Name, date of birth and contact details", ("Patient", "RelatedPerson")),
    "coverage": ("Coverage", ("Coverage",)),
    "claims": ("Claims: what was billed, and who paid what", ("ExplanationOfBenefit",)),
    "conditions": ("Conditions and allergies", ("Condition", "AllergyIntolerance")),
    "results": (
        "Lab results, vital signs and answers to questionnaires",
        ("Observation", "Specimen", "QuestionnaireResponse"),
    ),
    "medicines": (
        "Medicines and immunizations",
        ("MedicationRequest", "MedicationDispense", "Medication", "Immunization"),
    ),
    "visits": ("Visits, procedures and implants", ("Encounter", "Procedure", "ServiceRequest", "Device")),
    "documents": ("Reports and documents", ("DiagnosticReport", "DocumentReference", "Media")),
    "plans": ("Care plans, goals and care team", ("CarePlan", "Goal", "CareTeam")),
    "providers": (
        "Who gave treatment, where, and who recorded it",
        ("Organization", "Practitioner", "Location", "Provenance"),
    ),
}
"""Class → its name for members, and its resource types. Every type of the guides is in one class."""

OTHER = ("other", "Other records")
"""The class of all other types, and its name for members."""

_CLASS = {kind: name for name, (_, kinds) in DATA.items() for kind in kinds}


def words(name: str) -> str:
    """Return the name of a class for members."""
    return OTHER[1] if name == OTHER[0] else DATA[name][0]


def find_class(kind: str) -> str:
    """Return the class of a resource type."""
    return _CLASS.get(kind, OTHER[0])


def offered(scopes: Iterable[str], types: Collection[str]) -> list[str]:
    """Return the classes that these scopes reach at a payer that serves these types, in the order of DATA."""
    texts = list(scopes)
    scopes_of_data = resource_scopes(texts)
    read = {kind for kind in types if any(scope.covers(kind, a) for scope in scopes_of_data for a in "rs")}
    if reads_user(texts):
        read.add("Patient")
    there = {find_class(kind) for kind in read}
    return [name for name in (*DATA, OTHER[0]) if name in there]


def narrowed(
    scopes: Sequence[str], kept: Collection[str], types: Collection[str], offline: bool = True
) -> tuple[str, ...]:
    """Return the scopes without the classes that are not in `kept`, as they were written otherwise.

    A wildcard that lost a class becomes the list of the types that remain. Scopes of the launch
    stay, offline_access only where `offline`, and fhirUser, which opens the member's own record, only
    with the demographics.
    """
    refused = {name for name in offered(scopes, types) if name not in kept}
    dropped = {kind for kind in {*_CLASS, *types} if _CLASS.get(kind, OTHER[0]) in refused}
    left = [part for text in scopes for part in _without(text, dropped, types)]
    return tuple(dict.fromkeys(text for text in left if offline or text not in LASTING))


def _without(text: str, dropped: Collection[str], types: Collection[str]) -> list[str]:
    scope = parse(text)
    if text == USER and "Patient" in dropped:
        return []
    if scope is None or not dropped:
        return [text]
    if scope.type != "*":
        return [] if scope.type in dropped else [text]
    context, _, suffix = text.partition("/*")
    return [f"{context}/{kind}{suffix}" for kind in types if kind not in dropped]


def shares_nothing(requested: Iterable[str], left: Iterable[str]) -> bool:
    """Whether data was requested and none of it is left: the member declined."""
    return bool(resource_scopes(requested)) and not resource_scopes(left)
