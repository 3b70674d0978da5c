"""Locks that the grader tries: one that gives way is a finding of the gravest level, on top of every card."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import httpx
import pytest
from conftest import Grade
from fake_payer import FakePayer

from sandbox.score import report
from sandbox.score.card import Card
from sandbox.score.evidence import Evidence
from sandbox.score.lint.rules import RULES
from sandbox.score.run import regrade
from sandbox.score.trust.locks.records import forgeries

pytestmark = pytest.mark.slow

LOCKS = {
    "other-member": "breach-other-member", "no-token": "breach-no-token",
    "forged-token": "breach-forged-token", "any-password": "breach-any-password",
    "verifier": "breach-verifier", "code-twice": "breach-code-twice", "redirect-uri": "breach-redirect-uri",
    "unregistered": "breach-unregistered-redirect",
}  # fmt: skip


def gave_way(card: Card) -> list[str]:
    return [found.rule for found in card.breaches]


def test_every_lock_of_a_good_payer_holds(grade_fake: Grade) -> None:
    card, evidence = grade_fake(FakePayer())
    assert card.breaches == ()
    tried = evidence["locks"].value
    assert set(tried) == set(LOCKS.values())
    assert all(entry["held"] for entry in tried.values())


@pytest.mark.parametrize("loose", LOCKS)
def test_a_lock_that_gives_way_is_found_and_no_other(grade_fake: Grade, loose: str) -> None:
    card, evidence = grade_fake(FakePayer(loose=frozenset({loose})))
    assert gave_way(card) == [LOCKS[loose]]
    assert card.score == 100  # the rubric does not count it, and so it must be told
    held = {rule: entry["held"] for rule, entry in evidence["locks"].value.items()}
    assert [rule for rule, kept in held.items() if not kept] == [LOCKS[loose]]
    assert regrade(Evidence.from_json(evidence.to_json())).breaches == card.breaches


def test_every_form_of_the_card_tells_a_breach_before_anything_else(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(loose=frozenset({"any-password", "no-token"}), smart=False))
    assert len(card.breaches) == 2
    texts = {form: report.render(card, form).decode() for form in report.FORMS}
    for form, text in texts.items():
        words = "2 breaches" if form == "badge" else "could sign in with a wrong password"
        assert words in text
        assert words not in report.render(replace(card, lint=()), form).decode()
        if form not in ("badge", "json", "sarif"):
            assert text.index(words) < text.index("smart-configuration")
    assert json.loads(texts["json"])["lint"][0]["level"] == "critical"
    run = json.loads(texts["sarif"])["runs"][0]
    first = run["results"][0]
    rule = run["tool"]["driver"]["rules"][first["ruleIndex"]]
    assert (first["level"], rule["properties"]["security-severity"]) == ("error", "9.8")
    assert rule["id"] == first["ruleId"] == "lint/breach-no-token"


def test_nobody_is_tried_where_it_was_asked_not_to(grade_fake: Grade) -> None:
    payer = FakePayer(loose=frozenset(LOCKS))
    card, evidence = grade_fake(payer, probes=False)
    assert card.breaches == ()
    assert "--no-probes" in evidence["locks"].unseen


def test_locks_of_a_host_abroad_are_tried_only_when_asked(grade_fake: Grade) -> None:
    payer = FakePayer(loose=frozenset({"no-token"}))
    payer.access["t"] = "m3"
    there = "http://payer.example/fhir"
    card, evidence = grade_fake(payer, there, token="t", patient="p-m3")
    assert "--intrusive" in evidence["locks"].unseen
    card, _ = grade_fake(payer, there, token="t", patient="p-m3", intrusive=True)
    assert gave_way(card) == ["breach-no-token"]


def test_a_wrong_password_is_tried_once_and_in_a_payer_of_our_own(grade_fake: Grade) -> None:
    payer = FakePayer()
    grade_fake(payer)
    wrong = [r for r in payer.requests if b"password=not-" in r.content]
    assert [r.url.path.startswith("/s/baseline~grade-") for r in wrong] == [True]
    payer = FakePayer(instruments={"fresh_payer": None})
    grade_fake(payer)
    assert sum(b"password=not-" in r.content for r in payer.requests) == 1


def test_an_answer_without_somebody_elses_record_is_no_breach(grade_fake: Grade) -> None:
    """A server may ignore the parameter and show the member's own records, or an empty Bundle."""
    payer = FakePayer()

    def own_or_empty(request: httpx.Request, number: int) -> httpx.Response | None:
        user = payer.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        asked = request.url.params.get("patient")
        if user is None:
            return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset"})
        if asked and asked != f"p-{user}":
            entry = [{"resource": r} for r in payer.data(f"p-{user}")[:3]]
            return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})
        return None

    payer.before_fhir = own_or_empty
    card, _ = grade_fake(payer)
    assert card.breaches == ()


def test_locks_that_cannot_be_tried_say_so(grade_fake: Grade) -> None:
    payer = FakePayer()
    payer.access["t"] = "m3"
    _, evidence = grade_fake(payer, token="t", patient="p-m3")
    tried = evidence["locks"].value
    assert tried["breach-other-member"] == {"held": None, "why": "only one member's record is available"}
    assert tried["breach-no-token"]["held"] is True
    assert "breach-any-password" not in tried
    nobody = FakePayer(refuse_sign_in=lambda username, attempt: "server_error")
    _, evidence = grade_fake(nobody)
    assert "none of 39 sign-ins" in evidence["locks"].unseen


def test_forgeries_are_of_a_token_and_never_the_token() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    token = f"{part({'alg': 'RS256'})}.{part({'sub': 'ann'})}.c2lnbmF0dXJlLW9m"
    made = forgeries(token, "p1")
    assert len(made) == 3
    assert token not in made.values()
    unsigned = made['a token with "alg": "none"']
    head, body, signature = unsigned.split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "none", "typ": "JWT"}
    assert (body, signature) == (token.split(".")[1], "")
    assert len(forgeries("opaque", "p1")) == 2


def test_what_is_critical_is_what_the_grader_tries() -> None:
    breaches = {name for name, rule in RULES.items() if rule.level == "critical"}
    assert all(name.startswith("breach-") for name in breaches)
    assert set(LOCKS.values()) < breaches
