"""A ledger of its own for each test, by a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stores import BEGIN, place

from sandbox.core.clock import FrozenClock
from sandbox.store.ledger.database import Ledger


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(BEGIN)


@pytest.fixture
def ledger(tmp_path: Path, clock: FrozenClock) -> Iterator[Ledger]:
    ledger = Ledger(place(tmp_path / "ledger.db"), clock)
    yield ledger
    ledger.close()
