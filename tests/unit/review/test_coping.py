"""A row for each scenario that was met, whatever it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from journals import Journal

from sandbox.review.card import ReviewCard, ReviewRecord, review
from sandbox.review.journal import exchanges

J = Journal
LATER = 3600.0


def met(scenario: str, verb: str = "") -> dict[str, object]:
    """Fields of an exchange in which a scenario was felt: an effect fired, or it only was in force."""
    return {"effects": [f"{scenario}:{verb}"] if verb else [], "scenario": scenario}


def card(journal: Journal, later: float = LATER) -> ReviewCard:
    found = exchanges(journal.entries)
    return review([ReviewRecord(found, max(e.left for e in found) + later)])


HICCUP = met("hiccups", "refuse")
BUSY = {**met("rate-limited", "rate_limit"), "retry_after": "2"}
LOOP = met("next-loops", "loop_next_link")
CODE = {"issued": {"code": "k1"}}
BROKEN = met("broken-references", "break_reference")
STATE = met("state-dropped", "drop_state")


@pytest.mark.parametrize(
    ("result", "story"),
    [
        # a refusal, and what became of it
        ("pass", lambda: J().get(status=502, **HICCUP).get()),
        ("pass", lambda: J().get(status=502, **HICCUP)),
        ("pass", lambda: J().get(status=502, **HICCUP).get(query="other")),
        ("fail", lambda: many(5, lambda j: j.get(status=502, wait=2, **HICCUP))),
        ("pass", lambda: J().get(status=429, **BUSY).get(wait=2)),
        ("fail", lambda: J().get(status=429, **BUSY).get("Coverage", wait=2)),
        ("pass", lambda: J().get(status=503, **met("closed", "maintenance"), retry_after="14400")),
        # a token that dies, by an effect of the past
        ("fail", lambda: J().get().dead(because=["early:expire_early"])),
        ("pass", lambda: J().get().dead(because=["early:expire_early"]).refresh().get(token="a2")),
        # a character: no effect fires
        ("pass", lambda: J().refresh(status=400, error="invalid_grant", **met("refresh-ends-early"))),
        ("fail", lambda: many(5, lambda j: j.refresh(status=400, wait=2, **met("refresh-ends-early")))),
        ("not exercised", lambda: J().get(**met("portal-opt-in-required"))),
        # the sign-in
        ("pass", lambda: J().authorize().call("POST /auth/consent", 303, error="access_denied",
                                              **met("declined", "deny"))),
        ("pass", lambda: J().authorize().call("POST /auth/consent", 303, error="access_denied",
                                              **met("declined", "deny")).sign_in(2)),
        ("fail", lambda: many(5, lambda j: j.authorize(f"s{len(j.entries)}").call(
            "POST /auth/consent", 303, error="access_denied", **met("declined", "deny")))),
        ("fail", lambda: J().authorize().call("POST /auth/consent", 303, **CODE, **STATE).redeem()),
        ("pass", lambda: J().authorize().call("POST /auth/consent", 303, **CODE, **STATE)),
        # answers that are no refusals
        ("fail", lambda: many(5, lambda j: j.page("p2", next="p3", **LOOP))),
        ("pass", lambda: many(2, lambda j: j.page("p2", next="p3", **LOOP))),
        ("pass", lambda: J().get(**met("slow-responses", "delay"))),
        ("not exercised", lambda: many(5, lambda j: j.get(**met("slow-responses", "delay")))),
        ("not exercised", lambda: J().get(**met("dates", "reformat_date"))),
        ("not exercised", lambda: J().page(**BROKEN)),
        ("pass", lambda: J().page(**BROKEN).get("Practitioner/missing", 404)),
        ("fail", lambda: many(2, lambda j: j.page(**BROKEN).get("Practitioner/missing", 404))),
    ],
)  # fmt: skip
def test_what_is_said_of_the_scenario_that_was_met(result: str, story: Callable[[], Journal]) -> None:
    (line,) = card(story()).scenarios
    assert line.finding.result == result, line.finding
    assert line.row.cites


def many(count: int, do: Callable[[Journal], object]) -> Journal:
    journal = J()
    for _ in range(count):
        do(journal)
    return journal


def test_an_app_that_may_still_be_waiting_is_not_judged() -> None:
    journal = J().get(status=429, **BUSY)
    (line,) = card(journal, later=0.5).scenarios
    assert line.finding.result == "not exercised"
    assert card(journal, later=3).scenarios[0].finding.result == "fail"


def test_each_scenario_has_its_own_row_and_the_baseline_none() -> None:
    both = {"scenario": "rate-limited,limit=5.next-loops.stealth~t7"}
    journal = J().get(**both).get(status=429, **BUSY | both).get(wait=2, **both)
    assert {line.row.id: line.finding.result for line in card(journal).scenarios} == {
        "copes-with:rate-limited": "pass",
        "copes-with:next-loops": "not exercised",
    }
    assert card(J().get(scenario="baseline").get(status=404, scenario="baseline")).scenarios == []


def test_a_refusal_of_another_kind_is_not_the_scenarios_where_its_effects_show() -> None:
    journal = J().get(status=429, **BUSY).get(wait=2).get("Nothing/1", 404, scenario="rate-limited")
    (line,) = card(journal).scenarios
    assert [e.status for e in line.finding.evidence] == [429, 200]


def test_what_a_test_armed_is_met_too() -> None:
    journal = J().refresh(status=503, effects=["fail-next:refuse"], repair="Wait.").refresh(wait=2)
    (line,) = card(journal).scenarios
    assert (line.row.id, line.finding.result, line.row.fix) == ("copes-with:fail-next", "pass", "Wait.")
