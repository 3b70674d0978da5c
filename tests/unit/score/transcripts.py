"""Transcripts: everything that the grader sends to a payer, and everything that it says of it.

Whoever changes a request, a number or a word of a card sees it in a test. Some transcripts are kept whole in
`transcripts/`, to be read; of all the others a digest of each part is kept. To accept a change, run the tests
one after the other with `WRITE_TRANSCRIPTS=1`; to see what it is, run them before and after it with
`TRANSCRIPTS_TO=FOLDER` and compare the folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.score import rubric
from sandbox.score.card import Card, to_data
from sandbox.score.editions.edition import Edition
from sandbox.score.evidence import Evidence

KEPT = Path(__file__).with_name("transcripts")
_GRADE = rubric.grade_evidence
IS_WRITING = bool(os.environ.get("WRITE_TRANSCRIPTS"))
_SEPARATOR = "\x1e"
_HEADERS = ("accept", "authorization", "content-type", "cookie", "user-agent")
_NAMES = "state|code|code_challenge|code_verifier|refresh_token|nonce|client_assertion"
_RANDOM = (
    (re.compile(rf"\b({_NAMES})=[^&\s\"]+"), r"\1=…"),
    (re.compile(r"(Bearer|Basic) [\w.\-=+/]+"), r"\1 …"),
    (re.compile(r'"(taken|worked)": ("[^"]+"|[\d.]+)'), r'"\1": …'),
    (re.compile(r'"semanticVersion": "[\d.]+"'), '"semanticVersion": "…"'),
    (re.compile(r"file://[^\s\"']*/docs/"), "file://…/docs/"),
    (re.compile(r"/own/[\w.\-]+"), "/own/…"),
    (re.compile(r"(grade|refresh|locks)-[0-9a-f]{12}"), r"\1-…"),
    (re.compile(r"(/login/|flow=)\d+"), r"\1…"),
    (re.compile(r"member\d+"), "member…"),
    (re.compile(r"payer-sandbox-score/[\d.]+"), "payer-sandbox-score"),
)  # fmt: skip


@dataclass
class Recording:
    """What one test saw pass: requests to servers in memory, results of grading, and what it noted itself."""

    requests: list[httpx.Request] = field(default_factory=list)
    results: list[tuple[Edition, Card, Evidence]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, *values: object) -> None:
        """Add what a test holds in its hands: lines of a page, a parsed document, a rendered card."""
        self.notes += [plain(value if isinstance(value, str) else repr(value)) for value in values]

    def to_parts(self) -> dict[str, str]:
        """Its parts as text; empty when there is nothing to compare."""
        parts = {"requests": "\n".join(counted(plain_lines(map(lines_of_request, self.requests))))}
        parts["notes"] = "\n".join(self.notes)
        for number, (rules, card, evidence) in enumerate(self.results):
            kept = evidence.to_json()
            again = _GRADE(rules, Evidence.from_json(kept))
            assert to_data(again) == to_data(card), "evidence that was kept gives another card"
            parts[f"card {number}"] = plain(json.dumps(to_data(card), indent=1, ensure_ascii=False))
            parts[f"evidence {number}"] = "\n".join(lines_of_evidence(json.loads(kept)))
        return {name: text for name, text in parts.items() if text}


_running: list[Recording] = []


def note(*values: object) -> None:
    """Add to the transcript of the test that runs."""
    _running[-1].note(*values)


@contextmanager
def recording() -> Iterator[Recording]:
    """Watch the tests' servers in memory, and the one place in which evidence becomes a card."""
    record = Recording()
    answer = httpx.MockTransport.handle_request

    def answered(self: httpx.MockTransport, request: httpx.Request) -> httpx.Response:
        record.requests.append(request)
        return answer(self, request)

    def graded(rules: Edition, evidence: Evidence) -> Card:
        card = _GRADE(rules, evidence)
        record.results.append((rules, card, evidence))
        return card

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.MockTransport, "handle_request", answered)
        patch.setattr(rubric, "grade_evidence", graded)
        _running.append(record)
        yield record
        _running.pop()


def check_whole(name: str, parts: dict[str, str]) -> None:
    """Compare a transcript with the one that is kept under this name, line by line."""
    text = _joined(parts)
    file = KEPT / f"{name}.txt"
    if IS_WRITING:
        file.write_text(text)
    assert text.splitlines() == file.read_text().splitlines()


def check(module: str, test: str, parts: dict[str, str]) -> None:
    """Compare the parts of a transcript with the digests that are kept of this test."""
    digests = {part: _digest(text) for part, text in parts.items()}
    folder = os.environ.get("TRANSCRIPTS_TO")
    if folder and parts:
        name = re.sub(r"[^\w.]+", "-", f"{module} {test}")
        (Path(folder) / f"{name[:150]}.txt").write_text(_joined(parts))
    kept = _kept(module)
    if IS_WRITING and digests != kept.get(test, {}):
        others = {name: known for name, known in kept.items() if name != test}
        kept = {**others, test: digests} if digests else others
        (KEPT / f"{module}.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        _kept.cache_clear()
    assert digests == _kept(module).get(test, {}), "the transcript changed: see transcripts.py"


def _joined(parts: dict[str, str]) -> str:
    return "".join(f"# {name}\n{text}\n" for name, text in parts.items())


@cache
def _kept(module: str) -> dict[str, dict[str, str]]:
    file = KEPT / f"{module}.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def lines_of_evidence(kept: dict[str, Any]) -> Iterator[str]:
    for part in ("observations", "traffic"):
        for name, row in (kept.get(part) or {}).items():
            exchanges = row.pop("exchanges", [])
            yield plain(f"{part} {name}: {json.dumps(row, ensure_ascii=False)}")
            yield from counted(plain_lines(f"  {_said(each)}" for each in exchanges))


def _said(exchange: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in exchange.items() if value not in ("", False)})


def counted(lines: Iterable[str]) -> Iterator[str]:
    """Each line once, in the order in which it first came, with how often it came."""
    for line, times in Counter(lines).items():
        yield f"{times}× {line}"


def lines_of_request(request: httpx.Request) -> str:
    said = [f"{name}: {value}" for name, value in request.headers.items() if name in _HEADERS]
    return " | ".join([f"{request.method} {request.url}", *said, request.content.decode()])


def plain_lines(lines: Iterable[str]) -> list[str]:
    """Many lines made plain at once: what separates them is white space to every pattern."""
    text = _SEPARATOR.join(lines)
    return plain(text).split(_SEPARATOR) if text else []


def plain(text: str) -> str:
    """A text without what is drawn by chance and without the numbers of members."""
    for pattern, instead in _RANDOM:
        text = pattern.sub(instead, text)
    return text
