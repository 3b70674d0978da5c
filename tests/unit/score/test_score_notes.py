"""What the card says of the examination itself."""

from __future__ import annotations

import json

from sandbox.score import report
from sandbox.score.evidence import Evidence, seen
from sandbox.score.run import regrade

TRACE = [
    {"page": "http://p/login", "status": 200, "title": "Sign\x1b[31m in", "forms": ["User (name) · [Next]"],
     "did": ["wrote the user name", "pressed [Next]"]},
    {"page": "http://p/code", "status": 200, "title": "", "forms": [], "did": ["stopped: asks for a code"]},
]  # fmt: skip


def evidence(count: int = 3, pages: int = 1) -> Evidence:
    value = {"count": count, "reasons": {"the page asks for a code": count}, "trace": TRACE * pages}
    return Evidence("http://p/fhir", "2026-01-01T00:00:00+00:00", {"unwalked": seen(value)})


def test_sign_ins_that_could_not_be_walked_are_told_with_their_pages_and_the_ways_out() -> None:
    card = regrade(evidence())
    assert card.notes[0].startswith("3 sign-ins could not be completed by the scorer")
    assert "asks for a code" in card.notes[0]
    for way in ("--browser", "--sign-in-script", "--token"):
        assert way in card.notes[0]
    assert card.notes[1:] == (
        'Page 1: http://p/login (200) "Sign [31m in" shows User (name) · [Next];'
        " wrote the user name, pressed [Next]",
        "Page 2: http://p/code (200) stopped: asks for a code",
    )
    for form in ("text", "html", "markdown", "json", "sarif"):
        told = report.render(card, form).decode()
        assert "could not be completed" in " ".join(told.split())
        assert "\x1b" not in told
    assert json.loads(report.render(card, "json"))["notes"] == list(card.notes)


def test_a_long_way_is_cut() -> None:
    assert len(regrade(evidence(1, 20)).notes) == 9
    assert "1 sign-in could not be completed" in regrade(evidence(1)).notes[0]


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert regrade(Evidence("http://p/fhir")).notes == ()
