"""A payer whose clock stands until somebody waits: delays and limits do not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from support import stores
from support.running import listening

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.settings import Settings

NOON = {"hour": 12, "minute": 0, "second": 0, "microsecond": 0}


@pytest.fixture(scope="session")
def standing(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, FrozenClock, datetime]]:
    """The payer that all tests of a worker share."""
    clock = FrozenClock(SystemClock().now().replace(**NOON))
    ledger = stores.ledger(tmp_path_factory.mktemp("still") / "ledger.db")
    with listening(replace(settings, ledger=ledger), clock) as where:
        yield where, clock, clock.at


@pytest.fixture
def still(standing: tuple[str, FrozenClock, datetime]) -> tuple[str, FrozenClock]:
    """Where it listens, and its clock: noon again for every test. What others waited for must not move a
    test into another day: at a month's end somebody's coverage begins overnight."""
    origin, clock, noon = standing
    clock.at = noon
    return origin, clock
