"""When a rule applies: keys about the request, keys that count, and shares that repeat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from unit.faults.fault_samples import FHIR, gates, world

from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.scenario import When

TOKEN = Facts("POST", "/auth/token", client="app", grant_type="refresh_token")
SEARCH = Facts(
    "GET", "/fhir/Patient", "Patient", {"_count": "5", "name": ""}, member="maria", page=2, client="app"
)


@pytest.mark.parametrize(
    ("when", "facts", "applies"),
    [
        ({}, SEARCH, True),
        ({"path": "/fhir/*"}, SEARCH, True),
        ({"path": "/fhir/*"}, TOKEN, False),
        ({"path": "/fhir"}, SEARCH, False),
        ({"path": "/FHIR/*"}, SEARCH, False),
        ({"path": "*/[PQ]atient"}, SEARCH, True),
        ({"method": "get"}, SEARCH, True),
        ({"method": "POST"}, SEARCH, False),
        ({"resource": "Patient"}, SEARCH, True),
        ({"resource": "Coverage"}, SEARCH, False),
        ({"resource": "Patient"}, TOKEN, False),
        ({"param": "_count"}, SEARCH, True),
        ({"param": "_count=5"}, SEARCH, True),
        ({"param": "_count=6"}, SEARCH, False),
        ({"param": "name"}, SEARCH, True),
        ({"param": "absent"}, SEARCH, False),
        ({"lacks": "name"}, SEARCH, False),
        ({"lacks": "category"}, SEARCH, True),
        ({"client": "app"}, SEARCH, True),
        ({"client": "other"}, SEARCH, False),
        ({"member": "maria"}, SEARCH, True),
        ({"member": "maria"}, TOKEN, False),
        ({"grant_type": "refresh_token"}, TOKEN, True),
        ({"grant_type": "refresh_token"}, SEARCH, False),
        ({"page": 2}, SEARCH, True),
        ({"page": 1}, SEARCH, False),
        ({"resource": "Patient", "page": 2, "param": "_count=5"}, SEARCH, True),
        ({"resource": "Patient", "page": 3}, SEARCH, False),
    ],
)
def test_every_key_that_is_there_must_hold(when: dict[str, Any], facts: Facts, applies: bool) -> None:
    assert When(**when).matches(facts) is applies


def applied(when: dict[str, Any], times: int = 12, seed: str = "1") -> list[int]:
    """Which of so many requests a rule applied to, counted from 1; each has its own gates."""
    at = world(seed)
    found = []
    for number in range(1, times + 1):
        bound = gates({"when": when, "then": {"do": "maintenance"}}, at=at)
        if bound.run(Stage.REQUEST, None, FHIR):
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("when", "numbers"),
    [
        ({}, list(range(1, 13))),
        ({"nth": 3}, [3]),
        ({"every": 5}, [5, 10]),
        ({"first": 2}, [1, 2]),
        ({"after": 10}, [11, 12]),
        ({"after": 0}, list(range(1, 13))),
        ({"after": 3, "first": 6, "every": 2}, [4, 6]),
        ({"nth": 3, "path": "/auth/*"}, []),
        ({"rate": 1}, list(range(1, 13))),
    ],
)
def test_counting_keys_choose_by_the_number_of_the_match(when: dict[str, Any], numbers: list[int]) -> None:
    assert applied(when) == numbers


def test_a_rate_is_a_share_that_repeats_with_the_seed() -> None:
    chosen = applied({"rate": 0.2}, 500)
    assert 60 < len(chosen) < 140
    assert chosen == applied({"rate": 0.2}, 500)
    assert chosen != applied({"rate": 0.2}, 500, seed="2")
    assert set(chosen) < set(applied({"rate": 0.5}, 500))


def test_only_requests_that_match_the_other_keys_are_counted() -> None:
    at = world()
    answers = []
    for path in ("/auth/token", "/fhir/Patient", "/auth/token", "/fhir/Coverage"):
        bound = gates({"when": {"path": "/fhir/*", "nth": 2}, "then": {"do": "maintenance"}}, at=at)
        answers.append(bound.run(Stage.REQUEST, None, replace(FHIR, path=path)) is not None)
    assert answers == [False, False, False, True]


def test_a_request_is_counted_once_however_many_resources_it_shows() -> None:
    at = world()
    rule = {"when": {"resource": "Patient", "nth": 2}, "then": {"do": "drop_element", "path": "name"}}
    shown = []
    for _ in range(3):
        bound = gates(rule, at=at)
        people = [{"resourceType": "Patient", "id": str(n), "name": "x"} for n in range(3)]
        shown.append([bound.run(Stage.RESOURCE, one, FHIR) for one in people])
    assert ["name" in one for one in shown[0] + shown[2]] == [True] * 6
    assert ["name" in one for one in shown[1]] == [False] * 3


def test_a_share_of_the_resources_is_always_the_same_one() -> None:
    rule = {"when": {"share": 0.3}, "then": {"do": "drop_element", "path": "name"}}
    people = [{"resourceType": "Patient", "id": str(n), "name": "x"} for n in range(300)]
    bound = gates(rule)
    hit = ["name" not in bound.run(Stage.RESOURCE, one, FHIR) for one in people]
    assert 60 < sum(hit) < 120
    assert hit == ["name" not in gates(rule).run(Stage.RESOURCE, one, FHIR) for one in people]


@pytest.mark.parametrize(
    ("status", "answer", "applies"),
    [(200, 200, True), (200, 404, False), ("4xx", 404, True), ("4xx", 200, False), ("5xx", 503, True)],
)
def test_a_response_verb_may_ask_for_the_status(status: int | str, answer: int, applies: bool) -> None:
    rule = {"when": {"status": status}, "then": {"do": "set_header", "name": "X-Hit", "value": "1"}}
    reply: Reply = gates(rule).run(Stage.RESPONSE, Reply(answer, (), b""), FHIR)
    assert (reply.header("X-Hit") == "1") is applies


def test_rules_count_apart_from_each_other() -> None:
    at = world()
    rules = [{"when": {"nth": n}, "then": {"do": "maintenance", "retry_after": n}} for n in (1, 2)]
    waits = []
    for _ in range(3):
        reply = gates(*rules, at=at).run(Stage.REQUEST, None, FHIR)
        waits.append(reply.header("Retry-After") if reply else None)  # type: ignore[attr-defined]
    assert waits == ["1", "2", None]


@pytest.mark.parametrize(
    "when", [{"nth": 0}, {"every": 0}, {"first": 0}, {"after": -1}, {"rate": 0}, {"rate": 1.5}, {"page": 0}]
)
def test_keys_that_could_never_choose_are_refused(when: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        When(**when)
