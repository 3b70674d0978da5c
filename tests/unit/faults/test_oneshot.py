"""Accidents that happen a number of times and are over."""

from __future__ import annotations

from typing import Any

import pytest
from unit.faults.fault_samples import FHIR, world

from sandbox.core.errors import BadRequest
from sandbox.core.gates import Facts, Stage
from sandbox.faults.one_shot import bind_rules, parse_body, parse_header
from sandbox.faults.selection import Selection
from sandbox.store.ledger.repositories.armed_faults import Armed

TOKEN = Facts("POST", "/auth/token")


def test_without_more_words_token_calls_are_answered_503() -> None:
    one = parse_body({})
    assert (one.times, one.when.path, one.then.do, one.then.status) == (1, "/auth/token", "refuse", 503)
    assert parse_body(one.to_json() | {"times": 2}).to_json() == one.to_json()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "the body: is empty, or not a mapping"),
        ({"times": 0}, "times"),
        ({"times": 1001}, "times"),
        ({"then": {"do": "fial"}}, "no verb 'fial'"),
        ({"then": {"do": "delay"}}, r"then\.seconds"),
        ({"when": {"pth": "x"}}, r"when\.pth: not a key"),
        ({"wehn": {}}, r"wehn: not a key of this part \(did you mean when\?\)"),
        ({"time": 2}, r"time: .*did you mean times\?.*takes when, then, times"),
        ({"when": {"status": 200}}, "response verbs"),
    ],
)
def test_what_cannot_be_armed_is_told(body: Any, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        parse_body(body)


def test_the_header_names_places_times_and_statuses() -> None:
    found = parse_header("token=2, Patient=1:429 , any=3 #second try")
    assert [(o.times, o.then.status) for o in found] == [(2, 503), (1, 429), (3, 503)]
    assert [o.when.model_dump(exclude_none=True) for o in found] == [
        {"path": "/auth/token"}, {"resource": "Patient"}, {},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "token", "token=0", "token=1000", "token=2:200", "nowhere=1", "a;b", "#x"]
)
def test_a_header_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="<place>=<times>"):
        parse_header(text)


def test_an_armed_rule_fires_as_often_as_its_times_allow() -> None:
    left = [2]

    def take(number: int) -> bool:
        left[0] -= 1
        return left[0] >= 0

    rule = parse_body({"times": 2}).to_json()
    answers = []
    for path in ("/auth/token", "/fhir/X", "/auth/token", "/auth/token"):
        gates = Selection().bind(world(), bind_rules([Armed(7, "s", 2, 2, rule)], take))
        answers.append(gates.run(Stage.REQUEST, None, Facts("POST", path)) is not None)
    assert answers == [True, False, True, False]
    assert bind_rules([Armed(7, "s", 2, 0, rule)], take) == ()


def test_one_time_is_enough_for_all_resources_of_a_request() -> None:
    taken: list[int] = []
    rule = parse_body({"when": {}, "then": {"do": "drop_element", "path": "name"}}).to_json()
    armed = bind_rules([Armed(1, "s", 1, 1, rule)], lambda number: not taken.append(number))
    gates = Selection().bind(world(), armed)
    shown = [gates.run(Stage.RESOURCE, {"id": str(n), "name": "x"}, FHIR) for n in range(3)]
    assert shown == [{"id": "0"}, {"id": "1"}, {"id": "2"}]
    assert taken == [1]
    assert gates.fired() == ("fail-next:drop_element",)
