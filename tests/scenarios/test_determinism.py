"""Two runs with the same seed are the same run: every scenario's exchanges, one by one.

Each run has a payer of its own, from nothing: another process could not know more of the first one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import stores
from support.flagship import standing_grade
from support.retelling import retold
from support.running import listening
from support.showing import play

from sandbox.cataloguing import AREAS
from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.faults.catalog import load
from sandbox.settings import Settings, root

pytestmark = pytest.mark.catalogue
SCENARIOS = load(root() / "scenarios").by_id
GRADED = (
    "searches-fail-at-random,share=0.25.state-dropped,share=0.15.references-dangle",
    "rate-limited.token-dies-mid-sync.consent-declined",
)
"""Those that leave the most to chance, together."""

Journals = dict[str, list[dict[str, Any]]]


def journal(prefix: str) -> list[dict[str, Any]]:
    """What a payer remembers, as every run must tell it: without the port that it listens on."""
    answer = httpx.get(f"{prefix}/_sandbox/journal", params={"after": 0, "limit": 10_000})
    entries = json.loads(answer.text.replace(f":{answer.url.port}/", "/"))["entries"]
    return retold(entries)


def assert_same(settings: Settings, folder: Path, run: Callable[[str, FrozenClock], Journals]) -> None:
    """Run twice with fresh payers at one instant; the journals agree entry by entry."""
    at, told = SystemClock().now(), []
    for name in ("first", "second"):
        payer = replace(settings, ledger=stores.ledger(folder / f"{name}.db"))
        clock = FrozenClock(at)
        with listening(payer, clock) as origin:
            told.append((run(origin, clock), clock.now()))
    (first, ended), (second, also) = told
    for tenant, entries in first.items():
        assert entries, tenant
        for number, (one, other) in enumerate(zip_longest(entries, second[tenant])):
            assert one == other, f"{tenant}: entry {number}"
    assert ended == also


@pytest.mark.parametrize("area", [area for area in AREAS if any(s.area == area for s in SCENARIOS.values())])
def test_what_scenarios_show_is_the_same_twice(settings: Settings, tmp_path: Path, area: str) -> None:
    names = [name for name, scenario in SCENARIOS.items() if scenario.area == area]

    def run(origin: str, clock: FrozenClock) -> Journals:
        for name in names:
            play(f"{origin}/s/{name}~twice", clock, SCENARIOS[name])
        return {name: journal(f"{origin}/s/{name}~twice") for name in names if SCENARIOS[name].shows}

    assert_same(settings, tmp_path, run)


@pytest.mark.parametrize("selection", GRADED)
def test_a_graded_payer_is_the_same_twice(settings: Settings, tmp_path: Path, selection: str) -> None:
    def run(origin: str, clock: FrozenClock) -> Journals:
        prefix = f"{origin}/s/{selection}~twice"
        card = standing_grade((origin, clock), selection, "twice")
        points = [
            {"metric": line.id, "points": line.points, "reason": line.reason.replace(origin, "")}
            for line in card.lines
        ]
        return {selection: journal(prefix), "card": points}

    assert_same(settings, tmp_path, run)


def test_another_seed_is_another_run(settings: Settings, tmp_path: Path) -> None:
    """What is compared would show a difference: the same steps with another seed fail elsewhere."""
    at, told = datetime.fromisoformat("2026-11-11T11:11:11+00:00"), []
    for seed in (1, 2):
        payer = replace(settings, seed=seed, ledger=stores.ledger(tmp_path / f"{seed}.db"))
        with listening(payer, FrozenClock(at)) as origin:
            prefix = f"{origin}/s/token-endpoint-hiccups,share=0.5~twice"
            for _ in range(20):
                httpx.post(f"{prefix}/auth/token", data={"grant_type": "refresh_token"})
            told.append([entry["status"] for entry in journal(prefix)])
    assert len(told[0]) == 20
    assert told[0] != told[1]
