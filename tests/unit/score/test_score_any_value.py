"""Any value at any place of any document: the examination ends in a card that every form can tell.

To look further than the suite does: `EXAMPLES=2000 pytest tests/unit/score/test_score_any_value.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from conftest import Grade, grade_in_memory
from fake_payer import FakePayer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.core.errors import UsageError
from sandbox.score import report
from sandbox.score.card import Card
from sandbox.score.evidence import Evidence
from sandbox.score.run import regrade

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("EXAMPLES", "20"))

DOCUMENTS = {
    "facts": "/.well-known/payer-facts", "smart-configuration": "/.well-known/smart-configuration",
    "metadata": "/fhir/metadata", "token": "/auth/token", "clock": "/_sandbox/clock",
    "everything": "/$everything", "coverage": "/fhir/Coverage", "claims": "/fhir/ExplanationOfBenefit",
    "patient": "/fhir/Patient", "observation": "/fhir/Observation", "organization": "/fhir/Organization/",
}  # fmt: skip

RAW = {
    "a number beyond all numbers": b"1e999999",
    "four hundred digits": b"9" * 400,
    "not a number": b"NaN",
    "minus infinity": b"-Infinity",
    "ten megabytes": b'"' + b"x" * 10_000_000 + b'"',
    "deep lists": b"[" * 400 + b"]" * 400,
    "deep objects": b'{"a":' * 400 + b"1" + b"}" * 400,
    "bottomless": b"[" * 100_000,
    "half a surrogate": b'"\\ud800"',
    "no UTF-8": b'"\xff\xfe"',
}
"""Values that no JSON library writes, as their bytes."""
MARK = "\u0007raw "
"""Where a raw value goes; no payer of these tests says it."""

simple = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        ["\x00", "\x1b[2J", "\r\nX: y", "\u202e", "../..", "http://[", "-5", "1e400", "Patient/"]
    ),
    st.sampled_from([MARK + name for name in RAW]),
)
values = st.recursive(
    simple,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Change:
    """`value` at the `place`-th place of a document, from the `first`-th time on that it is asked for."""

    document: str
    place: int
    value: Any
    first: int


changes = st.builds(
    Change, st.sampled_from(sorted(DOCUMENTS)), st.integers(0, 400), values, st.integers(0, 3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from places(each, (*path, name))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


class Changing:
    """A good payer, but for what is changed of its documents."""

    def __init__(self, payer: FakePayer, made: list[Change]):
        self.payer, self.made = payer, made
        self.asked: dict[str, int] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self.payer(request)
        except (KeyError, ValueError, AssertionError, TypeError):  # a changed value came back to it
            return httpx.Response(400)
        if not answer.headers.get("content-type", "").startswith("application/json"):
            return answer
        body, touched = json.loads(answer.content), False
        for change in self.made:
            if DOCUMENTS[change.document] in request.url.path:
                number = self.asked[change.document] = self.asked.get(change.document, 0) + 1
                if number > change.first:
                    found = list(places(body))
                    body = changed(body, found[change.place % len(found)], change.value)
                    touched = True
        if not touched:
            return answer
        told = json.dumps(body).encode("utf-8", "surrogatepass")
        for name, raw in RAW.items():
            told = told.replace(json.dumps(MARK + name).encode(), raw)
        return httpx.Response(answer.status_code, content=told)


def examined(made: list[Change]) -> tuple[Card, Evidence] | None:
    payer = FakePayer()
    try:
        return grade_in_memory(httpx.MockTransport(Changing(payer, made)), payer.time, time_limit=500)
    except UsageError:  # told in one line: test_score_spoiled
        return None


def ends_in_a_card(made: list[Change]) -> None:
    found = examined(made)
    if found is None:
        return
    card, evidence = found
    assert 0 <= card.score <= card.range[1] <= card.max == 100
    for form in report.FORMS:
        told = report.render(card, form)
        assert told
        assert b"\x1b[2J" not in told
        assert b"\x00" not in told
    assert regrade(Evidence.from_json(evidence.to_json())).score == card.score


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="EXAMPLES" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(changes, min_size=1, max_size=3))
def test_any_value_at_any_place_ends_in_a_card(made: list[Change]) -> None:
    ends_in_a_card(made)


LONG = ("facts", "smart-configuration", "metadata", "token", "clock")
"""Documents that are asked for a few times only."""


@pytest.mark.parametrize(
    ("document", "name"),
    [*((document, "deep objects") for document in sorted(DOCUMENTS)), *((d, "ten megabytes") for d in LONG)],
)
def test_a_document_that_is_something_else_altogether_ends_in_a_card(document: str, name: str) -> None:
    ends_in_a_card([Change(document, 0, MARK + name, 0)])


@pytest.mark.parametrize("days", [-5, -(2**70), 1e308, "365", True, [365], {}, "\x1b[2J"])
def test_claims_of_days_that_cannot_be_keep_the_card_and_the_points(days: Any, grade_fake: Grade) -> None:
    payer = FakePayer(claims={"refresh_max_days": days, "inactive_access_days": days})
    assert grade_fake(payer, probes=False)[0].score >= 90
