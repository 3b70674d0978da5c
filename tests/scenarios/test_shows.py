"""What each scenario says a client sees: its `shows`, step by step, over HTTP."""

from __future__ import annotations

import pytest
from support.showing import play

from sandbox.core.clock import FrozenClock
from sandbox.faults.catalog import load
from sandbox.settings import root

SCENARIOS = load(root() / "scenarios").by_id


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_shows_what_it_says(still: tuple[str, FrozenClock], name: str) -> None:
    origin, clock = still
    play(f"{origin}/s/{name}~shows", clock, SCENARIOS[name])
