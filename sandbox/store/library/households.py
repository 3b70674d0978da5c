"""Who is on whose policy: read off the Coverages while a library is built.

A dependant's Coverage names its subscriber as a RelatedPerson and carries the subscriber's
`subscriberId`; the Coverage of the subscriber carries the same, and names a Patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Clue(NamedTuple):
    """What one Coverage tells: the policy, the id of the Patient on it, and the id of the RelatedPerson
    who is the subscriber to them ("": the patient is the subscriber)."""

    policy: str
    patient: str
    related: str


def clue(resource: Mapping[str, Any]) -> Clue | None:
    """What a resource tells of a household; nothing unless it is a whole Coverage."""
    if resource["resourceType"] != "Coverage":
        return None
    kind, _, id = _reference(resource.get("subscriber"))
    _, _, patient = _reference(resource.get("beneficiary"))
    policy = resource.get("subscriberId")
    if not isinstance(policy, str) or not id or not patient:
        return None
    if kind == "Patient" and id == patient:
        return Clue(policy, patient, "")
    return Clue(policy, patient, id) if kind == "RelatedPerson" else None


def links(clues: Iterable[Clue]) -> Iterator[tuple[str, str, str]]:
    """Yield the ids of subscriber, dependant, and the RelatedPerson who is the subscriber to the dependant.

    The first two are Patients. Each pair comes once. Clues may come in any order.
    """
    listed = list(clues)
    subscribers = {hint.policy: hint.patient for hint in listed if not hint.related}
    dependants = {(hint.policy, hint.patient): hint.related for hint in listed if hint.related}
    pairs: dict[tuple[str, str], str] = {}
    for (policy, patient), related in dependants.items():
        if policy in subscribers:
            pairs.setdefault((subscribers[policy], patient), related)
    for (subscriber, patient), related in pairs.items():
        yield subscriber, patient, related


def _reference(value: Any) -> tuple[str, str, str]:
    literal = value.get("reference") if isinstance(value, dict) else None
    return literal.partition("/") if isinstance(literal, str) else ("", "", "")
