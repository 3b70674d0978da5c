"""A payer whose clock stands until somebody waits: delays and limits do not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.running import listening

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.settings import Settings


@pytest.fixture(scope="session")
def still(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FrozenClock]]:
    """Where it listens, and its clock."""
    clock = FrozenClock(SystemClock().now())
    ledger = str(tmp_path_factory.mktemp("still") / "ledger.db")
    with listening(replace(settings, ledger=ledger), clock) as where:
        yield where, clock
