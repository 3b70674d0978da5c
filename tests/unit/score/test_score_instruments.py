"""What a payer lends is believed only as far as it can be checked."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from conftest import Grade, line_of
from fake_payer import FakePayer

from sandbox.score.card import Card, CardLine
from sandbox.score.instruments.clock_check import instant, lifetime


def refresh(card: Card) -> CardLine:
    return line_of(card, "refresh-token")


def rules(card: Card) -> set[str]:
    return {finding.rule for finding in card.lint}


TRUST = {"instrument-clock", "instrument-fresh-payer", "breach-expired-token"}


@pytest.mark.parametrize("clock", ["moves", "silent"])
def test_a_clock_that_moves_is_believed_by_its_reading_or_by_the_age_of_a_token(
    grade_fake: Grade, clock: str
) -> None:
    card, _ = grade_fake(FakePayer(clock=clock, claims={"refresh_max_days": 30}))
    assert (refresh(card).points, refresh(card).source) == (10, "observed")
    assert not rules(card) & TRUST


@pytest.mark.parametrize(
    ("claim", "points", "source"), [(30, 2, "declared"), (None, 2, "observed"), (200, 6, "declared")]
)
def test_a_clock_that_stands_still_earns_no_more_than_the_claim(
    grade_fake: Grade, claim: int | None, points: int, source: str
) -> None:
    card, evidence = grade_fake(FakePayer(clock="stands", claims={"refresh_max_days": claim}))
    assert (refresh(card).points, refresh(card).source) == (points, source)
    assert rules(card) & TRUST == {"instrument-clock"}
    assert [step["day"] for step in evidence["refresh"].value["steps"]] == [0]
    assert "does not move" in refresh(card).reason


def test_a_clock_whose_tokens_never_age_is_not_believed_whatever_it_tells(grade_fake: Grade) -> None:
    loose = frozenset({"expired-token"})
    card, _ = grade_fake(FakePayer(loose=loose, claims={"refresh_max_days": 30}, refresh_days=5000))
    assert (refresh(card).points, refresh(card).source) == (2, "declared")
    assert rules(card) & TRUST == {"instrument-clock", "breach-expired-token"}


def test_a_clock_that_ends_refreshing_has_moved_though_tokens_never_expire(grade_fake: Grade) -> None:
    payer = FakePayer(loose=frozenset({"expired-token"}), clock="silent", refresh_days=100)
    card, _ = grade_fake(payer)
    assert (refresh(card).points, refresh(card).source) == (4, "observed")
    assert rules(card) & TRUST == {"breach-expired-token"}


def test_a_clock_that_shows_nothing_at_all_is_not_believed(grade_fake: Grade) -> None:
    payer = FakePayer(clock="silent", claims={"refresh_max_days": 30}, refresh_days=5000)

    def unsaid(request: httpx.Request) -> httpx.Response:
        answer = payer(request)
        if request.url.path.endswith("/auth/token") and answer.status_code == 200:
            body = json.loads(answer.content)
            del body["expires_in"]
            return httpx.Response(200, json=body)
        return answer

    card, _ = grade_fake(payer, transport=httpx.MockTransport(unsaid))
    assert (refresh(card).points, refresh(card).source) == (2, "declared")
    assert "cannot be checked" in refresh(card).reason
    assert rules(card) & TRUST == {"instrument-clock"}


def two(tested: FakePayer, fresh: FakePayer) -> httpx.MockTransport:
    """A payer, and another server where its fresh payer should be."""
    fresh.time = tested.time

    def route(request: httpx.Request) -> httpx.Response:
        return (fresh if request.url.path.startswith("/s/") else tested)(request)

    return httpx.MockTransport(route)


def other_types(request: httpx.Request, payer: FakePayer) -> httpx.Response | None:
    if not request.url.path.endswith("/metadata"):
        return None
    return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [{"mode": "server"}]})


@pytest.mark.parametrize(
    ("tested", "fresh", "points", "told"),
    [
        (FakePayer(refresh_days=None), FakePayer(), 0, "issues a refresh token"),
        (FakePayer(refresh_days=-1), FakePayer(), 0, "works not here and does in the fresh payer"),
        (FakePayer(patient_names="q"), FakePayer(), 4, "another patient"),
        (
            FakePayer(served=("Patient", "Coverage", "ExplanationOfBenefit")),
            FakePayer(),
            4,
            "other resource types",
        ),
    ],
    ids=["no-refresh-token", "refused-at-once", "other-members", "other-types"],
)
def test_a_fresh_payer_that_is_another_server_earns_only_what_was_seen_without_it(
    grade_fake: Grade, tested: FakePayer, fresh: FakePayer, points: int, told: str
) -> None:
    tested.claims = fresh.claims = {"refresh_max_days": 100}
    card, evidence = grade_fake(tested, transport=two(tested, fresh))
    assert refresh(card).points == points
    assert rules(card) & TRUST == {"instrument-fresh-payer"}
    assert told in next(f.text for f in card.lint if f.rule == "instrument-fresh-payer")
    assert all(step["day"] == 0 for step in evidence["refresh"].value["steps"])


def test_the_same_server_is_believed_and_decides_with_its_clock(grade_fake: Grade) -> None:
    tested, fresh = FakePayer(refresh_days=200), FakePayer(refresh_days=200)
    card, _ = grade_fake(tested, transport=two(tested, fresh))
    assert (refresh(card).points, refresh(card).source) == (6, "observed")
    assert not rules(card) & TRUST


def test_a_fresh_payer_at_another_origin_is_not_asked(grade_fake: Grade) -> None:
    payer = FakePayer(instruments={"fresh_payer": "http://127.0.0.1:9999/s/~{session}/fhir"})
    payer.claims = {"refresh_max_days": 100}
    card, _ = grade_fake(payer)
    assert (refresh(card).points, refresh(card).source) == (4, "declared")
    assert rules(card) & TRUST == {"instrument-fresh-payer"}
    assert not any(request.url.port == 9999 for request in payer.requests)


def jwt(**claims: Any) -> str:
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"


@pytest.mark.parametrize(
    ("response", "seconds"),
    [({"expires_in": 3600}, 3600), ({"expires_in": "3600"}, 3600),
     ({"access_token": jwt(iat=1000, exp=1600)}, 600),
     ({"expires_in": True, "access_token": "opaque"}, None), ({"expires_in": -5}, None),
     ({"expires_in": "9" * 400}, None), ({"access_token": jwt(iat="x", exp=1600)}, None),
     ({"access_token": jwt(iat=1600, exp=1000)}, None), ({}, None)],
)  # fmt: skip
def test_the_life_of_a_token_is_read(response: dict[str, Any], seconds: float | None) -> None:
    assert lifetime(response) == seconds


@pytest.mark.parametrize("value", [None, 5, "later", [], {}, "2026-13-40"])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert instant(value) is None
    assert instant("2026-01-01T00:00:00") == instant("2026-01-01T00:00:00+00:00")


def test_nothing_of_it_is_asked_where_no_clock_is_lent(grade_fake: Grade) -> None:
    payer = FakePayer(instruments={"clock": None})
    card, _ = grade_fake(payer)
    assert refresh(card).source == "declared"
    assert not rules(card) & TRUST
    assert not any("/_sandbox/clock" in path for path in payer.paths())
