"""Grading a fake payer in memory: no network, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import transcripts
from fake_payer import BASE, FakePayer, Time
from transcripts import Recording

from sandbox.score.card import Card, CardLine
from sandbox.score.collect.machine_load import Machine
from sandbox.score.evidence import Evidence
from sandbox.score.run import grade

CHANCE = ("hostile", "chromium", "ways_in", "any_value", "spoiled", "defences")
"""Modules whose tests use threads, sockets, browsers or values of chance: nothing of theirs repeats."""

Grade = Callable[..., tuple[Card, Evidence]]


def line_of(card: Card, metric: str) -> CardLine:
    return next(line for line in card.lines if line.id == metric)


def lost(card: Card) -> dict[str, int]:
    """The points of every metric that is not full."""
    return {line.id: line.points for line in card.lines if line.points < line.max}


def no_resolver(host: str) -> list[str]:
    """Literal addresses as they are; names from a small table; nothing asks the network."""
    known = {"localhost": "127.0.0.1", "payer.example": "93.184.216.34", "inside.example": "10.0.0.5"}
    if host in known:
        return [known[host]]
    if host.replace(".", "").isdecimal() or ":" in host:
        return [host]
    raise OSError("unknown host")


def grade_in_memory(
    transport: httpx.BaseTransport, time: Time, target: str = BASE, **options: Any
) -> tuple[Card, Evidence]:
    """Grade without a network, in the payer's own time."""
    unless_said = {"resolve": no_resolver, "machine": Machine(time.stopwatch, lambda: 0.0, lambda: None)}
    return grade(
        target,
        transport=transport,
        sleep=time.sleep,
        stopwatch=time.stopwatch,
        now=time.now,
        **{**unless_said, **options},
    )


@pytest.fixture(autouse=True)
def transcript(request: pytest.FixtureRequest) -> Iterator[Recording]:
    """Compares everything that was sent and said in a test with what is kept of it."""
    with transcripts.recording() as record:
        yield record
    module = request.path.stem.removeprefix("test_score_")
    if module not in CHANCE:
        transcripts.check(module, request.node.name, record.to_parts())


@pytest.fixture
def grade_fake() -> Grade:
    """`grade_fake(FakePayer(...), **grade's options)`."""

    def run(payer: FakePayer, target: str = BASE, **options: Any) -> tuple[Card, Evidence]:
        return grade_in_memory(options.pop("transport", payer.transport), payer.time, target, **options)

    return run
