"""Who is on whose policy, as Coverages tell it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.store.library.households import clue, links


def coverage(patient: str, subscriber: str, policy: object = "S1") -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "beneficiary": {"reference": f"Patient/{patient}"},
        "subscriber": {"reference": subscriber},
        "subscriberId": policy,
    }


def rows(*resources: dict[str, Any]) -> list[tuple[str, str, str]]:
    return list(links(found for resource in resources if (found := clue(resource))))


OWN, CHILD = coverage("mother", "Patient/mother"), coverage("child", "RelatedPerson/r1")


def test_a_dependant_is_found_by_the_number_of_the_policy_in_any_order() -> None:
    assert rows(OWN, CHILD) == rows(CHILD, OWN) == [("mother", "child", "r1")]


@pytest.mark.parametrize(
    "other",
    [
        coverage("child", "RelatedPerson/r1", "S2"),
        coverage("child", "Patient/mother"),
        coverage("child", "Organization/o"),
        coverage("child", "RelatedPerson/r1", None),
        {**CHILD, "subscriber": {"display": "Mother"}},
        {**CHILD, "subscriber": "RelatedPerson/r1"},
        {**CHILD, "subscriber": {"reference": 7}},
        {**CHILD, "beneficiary": None},
        {"resourceType": "Patient", "id": "child"},
    ],
)
def test_whatever_says_less_makes_nobody_a_dependant(other: dict[str, Any]) -> None:
    assert rows(OWN, other) == []
