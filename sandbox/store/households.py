"""Who is on whose policy: read off the Coverages while a library is built.

A dependant's Coverage names its subscriber as a RelatedPerson and carries the subscriber's
`subscriberId`; the Coverage of the subscriber carries the same, and names a Patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Households:
    """Collects what resources tell, in any order."""

    def __init__(self) -> None:
        self._subscribers: dict[str, str] = {}
        self._dependants: dict[tuple[str, str], str] = {}

    def note(self, resources: Iterable[Mapping[str, Any]]) -> None:
        for resource in resources:
            if resource["resourceType"] == "Coverage":
                self._coverage(resource)

    def _coverage(self, coverage: Mapping[str, Any]) -> None:
        kind, _, id = _reference(coverage.get("subscriber"))
        _, _, patient = _reference(coverage.get("beneficiary"))
        policy = coverage.get("subscriberId")
        if not isinstance(policy, str) or not id or not patient:
            return
        if kind == "Patient" and id == patient:
            self._subscribers[policy] = patient
        elif kind == "RelatedPerson":
            self._dependants[policy, patient] = id

    def rows(self) -> Iterator[dict[str, str]]:
        """`subscriber` and `dependant` are ids of Patients, `related` that of the RelatedPerson who
        is the subscriber to the dependant."""
        for (policy, patient), related in self._dependants.items():
            subscriber = self._subscribers.get(policy)
            if subscriber is not None:
                yield {"subscriber": subscriber, "dependant": patient, "related": related}


def _reference(value: Any) -> tuple[str, str, str]:
    literal = value.get("reference") if isinstance(value, dict) else None
    return literal.partition("/") if isinstance(literal, str) else ("", "", "")
