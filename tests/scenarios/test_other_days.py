"""What scenarios show does not depend on the day: the ends of short and long months, and another year."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.running import library, listening
from support.showing import play

from sandbox.core.clock import FrozenClock, anchor
from sandbox.faults.catalog import load
from sandbox.settings import Settings, root

SCENARIOS = load(root() / "scenarios").by_id
DAYS = (
    datetime(2026, 1, 31, 12, tzinfo=UTC),
    datetime(2027, 3, 1, tzinfo=UTC),
    datetime(2027, 12, 31, 12, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
)


@pytest.mark.catalogue
@pytest.mark.parametrize("day", DAYS, ids=lambda day: f"{day:%Y-%m-%d}")
def test_every_scenario_shows_the_same_on_another_day(
    shared_home: Path, tmp_path: Path, day: datetime
) -> None:
    clock, wrong = FrozenClock(day), {}
    built = library(shared_home, Settings(), anchor(clock))
    payer = Settings(library=str(built), ledger=str(tmp_path / "ledger.db"))
    with listening(payer, clock) as origin:
        for name, scenario in SCENARIOS.items():
            clock.at = day  # what the others waited for is theirs
            try:
                play(f"{origin}/s/{name}~shows", clock, scenario)
            except AssertionError as problem:
                wrong[name] = str(problem).partition("\n")[0]
    assert not wrong
