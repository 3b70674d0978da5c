"""Grading a fake payer in memory: no network, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_payer import BASE, FakePayer

from sandbox.score.card import Card
from sandbox.score.evidence import Evidence
from sandbox.score.run import grade

Grade = Callable[..., tuple[Card, Evidence]]


def no_resolver(host: str) -> list[str]:
    """Literal addresses as they are; names from a small table; nothing asks the network."""
    known = {"localhost": "127.0.0.1", "payer.example": "93.184.216.34", "inside.example": "10.0.0.5"}
    if host in known:
        return [known[host]]
    if host.replace(".", "").isdecimal() or ":" in host:
        return [host]
    raise OSError("unknown host")


@pytest.fixture
def grade_fake() -> Grade:
    """`grade_fake(FakePayer(...), **grade's options)`."""

    def run(payer: FakePayer, target: str = BASE, **options: Any) -> tuple[Card, Evidence]:
        given = {"transport": payer.transport, "resolve": no_resolver, **options}
        return grade(
            target,
            sleep=payer.time.sleep,
            stopwatch=payer.time.stopwatch,
            now=payer.time.now,
            **given,
        )

    return run
