"""The vocabulary: what each verb does to its value, and that it leaves the original alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from unit.faults.fault_samples import FHIR, act, gates, world

from sandbox.auth.decision import Decision
from sandbox.auth.tokens import TokenPlan
from sandbox.core.clock import FrozenClock
from sandbox.core.errors import BadRequest
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects import arrival
from sandbox.faults.scenario import VERBS
from sandbox.fhir.library import Page, Stored
from sandbox.fhir.query import parse

QUERY = parse("ExplanationOfBenefit", [("patient", "p1"), ("type", "a"), ("_include", "*"), ("_count", "40")])
PLAN = TokenPlan(3600, 3600, "openid", True, None, {"patient": "p1", "tenant": "x"})
YES = Decision("maria", "p1", ("openid", "patient/*.rs"), "http://localhost/cb", {"state": "s", "iss": "i"})
REPLY = Reply(200, (("Content-Type", "a/b"), ("ETag", 'W/"1"')), b"0123456789")
CLAIM = {
    "resourceType": "ExplanationOfBenefit",
    "provider": {"reference": "Organization/o1"},
    "contained": [{"reference": "#x"}],
    "careTeam": [
        {"provider": {"reference": "Practitioner/d1"}},
        {"provider": {"reference": "https://h/fhir/Practitioner/d2"}},
    ],
    "item": [{"a": 1, "b": {"c": 2}}, {"b": [{"c": 3}, {"c": 4}]}, {"d": None}],
}


def stored(id: str) -> Stored:
    return Stored(1, "Patient", id, id, b"{}")


PAGE = Page((stored("a"), stored("b")), total=2, more=True, last=2)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CLAIM), **changes}


TABLE: list[tuple[str, dict[str, Any], Any, Any]] = [
    # request and response
    ("reply_with", {"status": 500}, REPLY, Reply(500)),
    (
        "reply_with",
        {"status": 200, "content_type": "text/html", "body": "é", "headers": {"X": "1"}},
        REPLY,
        Reply(200, (("X", "1"), ("Content-Type", "text/html")), "é".encode()),
    ),
    ("truncate_body", {}, REPLY, replace(REPLY, body=b"01234")),
    ("truncate_body", {"keep": 0}, REPLY, replace(REPLY, body=b"")),
    ("truncate_body", {"keep": 0.99}, replace(REPLY, body=iter([b"01", b"23"])), replace(REPLY, body=b"012")),
    ("wrong_content_type", {}, REPLY, REPLY.with_header("Content-Type", "text/html")),
    ("drop_header", {"name": "etag"}, REPLY, Reply(200, (("Content-Type", "a/b"),), REPLY.body)),
    ("drop_header", {"name": "absent"}, REPLY, REPLY),
    # authorize and token
    ("deny", {}, YES, replace(YES, error="access_denied")),
    (
        "deny",
        {"error": "server_error", "description": "no"},
        YES,
        replace(YES, error="server_error", description="no"),
    ),
    ("drop_state", {}, YES, replace(YES, params={"iss": "i"})),
    ("narrow_scopes", {"drop": ["openid", "absent"]}, YES, replace(YES, scope=("patient/*.rs",))),
    ("expire_early", {"after_seconds": 60}, PLAN, replace(PLAN, lifetime=60)),
    ("expire_early", {"after_seconds": 9999}, PLAN, PLAN),
    ("expire_early", {"after_requests": 6}, PLAN, replace(PLAN, uses=6)),
    ("expire_early", {"after_requests": 0}, PLAN, replace(PLAN, uses=0)),
    ("expire_early", {"after_seconds": 60}, replace(PLAN, uses=3), replace(PLAN, uses=3, lifetime=60)),
    ("expire_early", {"after_requests": 6}, replace(PLAN, uses=3), replace(PLAN, uses=3)),
    ("omit_patient", {}, PLAN, replace(PLAN, extras={"tenant": "x"})),
    ("withhold_refresh", {}, PLAN, replace(PLAN, refresh=False)),
    # query and bundle
    ("forget_includes", {}, QUERY, replace(QUERY, includes=())),
    ("ignore_param", {"param": "type"}, QUERY, replace(QUERY, clauses=QUERY.clauses[:1])),
    ("ignore_param", {"param": "absent"}, QUERY, QUERY),
    ("reject_param", {"param": "absent"}, QUERY, QUERY),
    ("cap_count", {"most": 10}, QUERY, replace(QUERY, count=10)),
    ("cap_count", {"most": 100}, QUERY, QUERY),
    ("lie_about_total", {"total": 7}, PAGE, replace(PAGE, total=7)),
    ("drop_next_link", {}, PAGE, replace(PAGE, more=False)),
    ("repeat_entry", {}, PAGE, replace(PAGE, matches=(*PAGE.matches, stored("b")))),
    ("repeat_entry", {}, Page(()), Page(())),
    # resource
    ("drop_element", {"path": "careTeam.provider"}, CLAIM, changed(careTeam=[{}, {}])),
    (
        "drop_element",
        {"path": "item.b.c"},
        CLAIM,
        changed(item=[{"a": 1, "b": {}}, {"b": [{}, {}]}, {"d": None}]),
    ),
    ("drop_element", {"path": "item.d"}, CLAIM, changed(item=[*CLAIM["item"][:2], {}])),
    ("drop_element", {"path": "absent.path"}, CLAIM, CLAIM),
    ("set_element", {"path": "status", "value": "draft"}, CLAIM, changed(status="draft")),
    ("set_element", {"path": "provider.display", "value": [1]}, CLAIM,
     changed(provider={"reference": "Organization/o1", "display": [1]})),
    ("set_element", {"path": "absent.path", "value": 1}, CLAIM, CLAIM),
    (
        "break_reference",
        {"targets": ["Practitioner"]},
        CLAIM,
        changed(
            careTeam=[
                {"provider": {"reference": "Practitioner/missing-d1"}},
                {"provider": {"reference": "Practitioner/missing-d2"}},
            ]
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "parameters", "before", "after"), TABLE)
def test_a_verb_does_what_its_name_says(
    verb: str, parameters: dict[str, Any], before: Any, after: Any
) -> None:
    original = copy.deepcopy(before) if isinstance(before, dict) else before
    assert act(verb, before, **parameters) == after
    assert before == original


def test_every_verb_is_tested_here() -> None:
    elsewhere = {"delay", "rate_limit", "maintenance"}
    assert {row[0] for row in TABLE} | elsewhere == set(VERBS)


def test_every_verb_is_at_a_gate_and_says_what_it_does() -> None:
    for verb in VERBS.values():
        assert isinstance(verb.stage, Stage)
        assert verb.__doc__


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("delay", {"seconds": 0}),
        ("delay", {"seconds": 121}),
        ("delay", {}),
        ("rate_limit", {"limit": 0}),
        ("truncate_body", {"keep": 1}),
        ("reply_with", {"status": 99}),
        ("break_reference", {"share": 0}),
        ("break_reference", {"share": 1.1}),
        ("cap_count", {"most": 0}),
        ("drop_state", {"why": "x"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(verb: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VERBS[verb].model_validate({"do": verb, **parameters})


def test_a_delay_waits_and_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(arrival, "sleep", waited.append)
    assert act("delay", None, seconds=1.5) is None
    assert act("delay", REPLY, seconds=2) is REPLY
    assert waited == [1.5, 2]


def test_a_rejected_parameter_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        act("reject_param", QUERY, param="type")
    assert caught.value.expression == "type"


@pytest.mark.parametrize(("path", "word"), [("/fhir/Patient", "throttled"), ("/auth/token", "slow_down")])
def test_more_requests_than_the_limit_are_told_to_wait(path: str, word: str) -> None:
    at, facts = world(), replace(FHIR, path=path)
    answers = [act("rate_limit", None, facts, at, limit=2, per_seconds=5) for _ in range(3)]
    assert answers[:2] == [None, None]
    assert (answers[2].status, answers[2].header("Retry-After")) == (429, "5")
    assert word in answers[2].body.decode()
    assert act("rate_limit", None, replace(facts, caller="c2"), at, limit=2, per_seconds=5) is None


def test_a_limit_begins_again_when_its_window_is_over() -> None:
    at = world()
    assert isinstance(at.clock, FrozenClock)
    assert [bool(act("rate_limit", None, FHIR, at, limit=1, per_seconds=2)) for _ in range(2)] == [
        False,
        True,
    ]
    at.clock.advance(timedelta(milliseconds=1999))
    assert act("rate_limit", None, FHIR, at, limit=1, per_seconds=2).header("Retry-After") == "1"
    at.clock.advance(timedelta(milliseconds=1))
    assert act("rate_limit", None, FHIR, at, limit=1, per_seconds=2) is None


def test_a_limit_may_keep_to_itself_how_long_to_wait_and_yields_to_an_answer() -> None:
    at = world()
    replies = [act("rate_limit", None, FHIR, at, limit=1, retry_after=False) for _ in range(2)]
    assert replies[1].header("Retry-After") is None
    assert act("rate_limit", REPLY, FHIR, at, limit=1) is REPLY


def test_maintenance_closes_each_surface_in_its_own_words() -> None:
    fhir = act("maintenance", None)
    assert (fhir.status, fhir.header("Retry-After")) == (503, "120")
    assert json.loads(fhir.body)["issue"][0]["code"] == "transient"
    auth = act("maintenance", None, Facts(path="/auth/token"), retry_after=None)
    assert json.loads(auth.body)["error"] == "temporarily_unavailable"
    assert auth.header("Retry-After") is None
    assert act("maintenance", REPLY) is REPLY


def _references(share: float, seed: str = "1") -> Iterator[bool]:
    at = world(seed)
    for number in range(400):
        claim = {"provider": {"reference": f"Organization/o{number}"}}
        yield act("break_reference", claim, at=at, share=share) != claim


def test_the_same_share_of_references_is_broken_every_time() -> None:
    broken = list(_references(0.3))
    assert 0.2 < sum(broken) / 400 < 0.4
    assert broken == list(_references(0.3))
    assert broken != list(_references(0.3, seed="2"))
    assert all(more for less, more in zip(broken, _references(0.6), strict=True) if less)


def test_a_broken_reference_still_looks_like_one() -> None:
    long = {"reference": "Organization/" + "x" * 64}
    broken = act("break_reference", {"provider": long})["provider"]["reference"]
    assert broken.startswith("Organization/missing-x")
    assert len(broken) == len(long["reference"])


def test_fired_names_the_verbs_that_changed_something_once_and_in_order() -> None:
    bound = gates(
        {"then": {"do": "forget_includes"}},
        {"then": {"do": "ignore_param", "param": "absent"}},
        {"then": {"do": "cap_count", "most": 1}},
    )
    assert bound.armed(Stage.QUERY)
    assert not bound.armed(Stage.RESOURCE)
    for _ in range(2):
        assert bound.run(Stage.QUERY, QUERY, FHIR) == replace(QUERY, includes=(), count=1)
    assert bound.run(Stage.BUNDLE, PAGE, FHIR) is PAGE
    assert bound.fired() == ("some:forget_includes", "some:cap_count")


def test_fired_names_verbs_that_wait_or_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "sleep", lambda seconds: None)
    bound = gates({"then": {"do": "delay", "seconds": 1}}, {"then": {"do": "reject_param", "param": "type"}})
    assert bound.run(Stage.REQUEST, None, FHIR) is None
    with pytest.raises(BadRequest):
        bound.run(Stage.QUERY, QUERY, FHIR)
    assert bound.fired() == ("some:delay", "some:reject_param")
