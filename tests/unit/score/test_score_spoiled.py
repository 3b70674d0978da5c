"""A payer whose every answer is spoiled at random: each examination ends in a card, told in every form.

The seed decides what is spoiled: a value of a JSON answer, a header, a status or the bytes. To look
further than the suite does: `python tests/unit/score/test_score_spoiled.py FIRST LAST`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

import httpx
import pytest
from conftest import grade_in_memory
from fake_payer import BASE, FakePayer

from sandbox.core.errors import UsageError
from sandbox.score import report as cards
from sandbox.score.evidence import Evidence
from sandbox.score.run import regrade
from sandbox.score.signin.pages.choice import decide
from sandbox.score.signin.pages.reader import DEEPEST, LARGEST_PAGE, MOST_OPTIONS, _bound, read
from sandbox.score.signin.pages.steps import State, Step, submit

pytestmark = pytest.mark.slow

SEEDS = range(60)

DEEP = "a value with hardly a bottom"
BOTTOMLESS = b'[{"a":' * 490 + b"1" + b"}]" * 490
"""As deep as a JSON parser goes; deeper than Python can write or show."""

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1e308,
        10**15,
        "",
        " ",
        "\x00\x1b[31m",
        "\ud7ff" * 5,
        "x" * 100_000,
        [],
        {},
        [[]],
        [{}],
    ),
    *(
        "http://[",
        "//[",
        "https://169.254.169.254/",
        "http://127.0.0.1:99999/",
        "javascript:alert(1)",
        "?",
        "#",
    ),
    *(
        "Patient/",
        "Patient/../../x",
        "/",
        "\n",
        "é/é",
        "1,2",
        [None, 1, "x", {"x": []}],
        DEEP,
        DEEP,
    ),
    *({"reference": {"reference": []}}, [{"resource": []}, {"resource": {"resourceType": [], "id": {}}}, 5]),
)
LOCATIONS = ("http://[", "//[::1", "", "\\\\evil", "/" * 3000, "?%zz", "http://127.0.0.1:8080/fhir/metadata")
STATUSES = (100, 204, 206, 301, 302, 304, 401, 429, 500, 503, 599)
BODIES = (
    b"",
    b"\xff\xfe\x00",
    b"NaN",
    b'{"a": Infinity}',
    b"[" * 5000,
    b'{"a":' * 5000,
    b"<html><form",
    b"null",
)


class Spoiler:
    """Passes requests on to a good payer and spoils one answer in `often`."""

    def __init__(self, seed: int, payer: FakePayer):
        self.drawn, self.payer = Random(seed), payer
        self.often = self.drawn.choice((1, 2, 5, 20, 100))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self.payer(request)
        except (KeyError, ValueError, AssertionError, TypeError):  # what was spoiled before came back to it
            return httpx.Response(500)
        if self.drawn.randrange(self.often):
            return answer
        how = self.drawn.randrange(10)
        if how == 0:
            headers = {"location": self.drawn.choice(LOCATIONS), "retry-after": "1"}
            return httpx.Response(self.drawn.choice(STATUSES), headers=headers)
        if how == 1:
            return httpx.Response(200, content=self.drawn.choice(BODIES))
        if how == 2:
            encoded = {
                "content-encoding": self.drawn.choice(
                    ("gzip", "br", "zstd", "deflate", "gzip, gzip, gzip", "x")
                )
            }
            return httpx.Response(200, headers=encoded, stream=httpx.ByteStream(answer.content))
        if answer.headers.get("content-type") == "application/json":
            body = self.spoil(json.loads(answer.content))
            told = json.dumps(body).encode("utf-8", "surrogatepass")
            return httpx.Response(200, content=told.replace(json.dumps(DEEP).encode(), BOTTOMLESS))
        if "location" in answer.headers:
            where = self.drawn.choice((*LOCATIONS, answer.headers["location"] + "&error=%00&state[]="))
            return httpx.Response(answer.status_code, headers={"location": where})
        return httpx.Response(
            200, html=answer.text.replace('"', self.drawn.choice(("", "'", '" action="http://[')))
        )

    def spoil(self, value: Any) -> Any:
        """One to three values somewhere inside, replaced by odd ones."""
        for _ in range(self.drawn.randint(1, 3)):
            value = self._one(value)
        return value

    def _one(self, value: Any) -> Any:
        inside = (
            list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        )
        if not inside or self.drawn.random() < 0.15:
            return self.drawn.choice(ODD)
        place = self.drawn.choice(list(inside))
        changed = dict(value) if isinstance(value, dict) else list(value)
        changed[place] = self._one(value[place])
        return changed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spoiled_payer_has_a_card(seed: int) -> None:
    payer = FakePayer()
    spoiler = Spoiler(seed, payer)
    try:
        card, evidence = grade_in_memory(httpx.MockTransport(spoiler), payer.time, time_limit=200)
    except UsageError as refused:
        told = str(refused)
        assert told.count("\n") == 0
        return
    assert 0 <= card.score <= card.range[1] <= 100
    for form in cards.FORMS:
        told = cards.render(card, form)
        assert told
        assert b"\x1b[31m" not in told
    assert regrade(Evidence.from_json(evidence.to_json())).score == card.score


LONG = (
    *("<form>" * 200_000, "<" * 900_000, "<form><input name=a" * 50_000, "&#x" * 300_000, "<!" * 400_000),
    "<form><select>" + "<option value=1>" * 60_000,
    "<form method=post>" + "<input name=a value=b>" * 40_000 + "<button>Allow</button></form>",
)


@pytest.mark.parametrize("page", LONG)
def test_odd_pages_end(page: str) -> None:
    """A page may be made to hold a parser up: tags without end, a million fields, entities, declarations.

    What is parsed of it is bounded: the time grows with the square of depth and of the length of a list.
    """
    parsed = _bound(page)
    assert len(parsed) <= LARGEST_PAGE
    assert parsed.count("<form") <= DEEPEST
    assert parsed.count("<option") <= MOST_OPTIONS
    shown = read(page, BASE)
    for logins in (0, 1):
        step = decide(shown, State("ann", "pw", logins=logins))
        if isinstance(step, Step):
            submit(step, shown)


if __name__ == "__main__":
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        try:
            test_a_spoiled_payer_has_a_card(number)
        except BaseException:
            print("seed", number)
            raise
