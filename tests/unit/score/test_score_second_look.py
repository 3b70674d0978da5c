"""A payer that knows the grader by its name: the same requests under another name are compared."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from conftest import Grade
from fake_payer import FakePayer

from sandbox.core.errors import UsageError
from sandbox.score.card import Card
from sandbox.score.trust.other_client import TURNS, Sight, _differ

RULE = "served-by-name"
Answer = Callable[[httpx.Request], httpx.Response | None]


def told(card: Card) -> list[str]:
    return [finding.text for finding in card.lint if finding.rule == RULE]


def is_ours(request: httpx.Request) -> bool:
    return request.headers["user-agent"].startswith("payer-sandbox-score/")


def unless(ours: bool, where: str, answer: Answer) -> Answer:
    def picky(request: httpx.Request) -> httpx.Response | None:
        return answer(request) if is_ours(request) is ours and where in request.url.path else None

    return picky


def through(payer: FakePayer, picky: Answer) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: picky(request) or payer(request))


def test_a_payer_that_serves_everybody_alike_has_no_finding(grade_fake: Grade) -> None:
    payer = FakePayer()
    card, evidence = grade_fake(payer)
    assert told(card) == []
    seen = evidence["second-look"].value
    assert (seen["compared"], seen["differ"]) == (11, [])
    assert {r.headers["user-agent"] for r in payer.requests if not is_ours(r)} == {seen["name"]}


@pytest.mark.parametrize(
    ("where", "answer", "words"),
    [
        ("/fhir/", lambda request: httpx.Response(403), "answers 200 with the scorer's User-Agent and 403"),
        (
            "/ExplanationOfBenefit",
            lambda r: httpx.Response(200, json={"resourceType": "Bundle"}),
            "resources",
        ),
        ("/metadata", lambda r: httpx.Response(200, json={"resourceType": "CapabilityStatement"}), "content"),
        (
            "/auth/authorize",
            lambda request: httpx.Response(403),
            "a member can sign in with the scorer's User-Agent",
        ),
    ],
    ids=["everything", "other-resources", "other-content", "sign-in"],
)
def test_what_is_served_for_the_graders_name_only_is_found(
    grade_fake: Grade, where: str, answer: Answer, words: str
) -> None:
    payer = FakePayer()
    card, _ = grade_fake(payer, transport=through(payer, unless(False, where, answer)))
    assert card.score == 100
    assert any(words in text for text in told(card))


@pytest.mark.parametrize("often", [2, 5])
def test_a_payer_that_fails_now_and_then_does_not_look_like_one_that_picks(
    grade_fake: Grade, often: int
) -> None:
    payer = FakePayer()
    payer.before_fhir = lambda request, number: httpx.Response(502) if number % often == 0 else None
    card, _ = grade_fake(payer)
    assert told(card) == []


def test_the_graders_name_can_be_chosen(grade_fake: Grade) -> None:
    payer = FakePayer()
    card, evidence = grade_fake(payer, user_agent="okhttp/4.12.0")
    names = {request.headers["user-agent"] for request in payer.requests}
    assert names == {"okhttp/4.12.0", evidence["second-look"].value["name"]}
    assert len(names) == 2
    assert card.score == 100


@pytest.mark.parametrize("name", ["two\r\nlines", "snow ☃", "\x00"])
def test_a_name_that_cannot_be_sent_is_refused(grade_fake: Grade, name: str) -> None:
    with pytest.raises(UsageError, match="User-Agent"):
        grade_fake(FakePayer(), user_agent=name)


def test_answers_differ_only_when_no_try_contradicts_it() -> None:
    well, ill = Sight(200, ("Patient/1",), "a"), Sight(403, (), "b")
    assert "answers 200 with the scorer's User-Agent and 403" in _differ([well], [ill])
    assert _differ([well], [well]) == ""
    assert _differ([well, ill], [ill, ill]) == ""
    assert _differ([well, well], [ill, well]) == ""
    assert "other content" in _differ([well], [Sight(200, ("Patient/1",), "c")])
    changing = [Sight(200, ("Patient/1",), text) for text in "xy"]
    assert _differ(changing, [Sight(200, ("Patient/1",), "z")]) == ""
    assert TURNS.count("O") == TURNS.count("T")
