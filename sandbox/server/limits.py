"""How much of a worker one caller may hold: requests that wait, and costly requests that run.

Every count is of one worker. A caller is a bearer token where there is one, an address otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass


class TooManyWaiting(Exception):
    """The caller, or all callers together, have as many requests waiting as they may."""


@dataclass(frozen=True)
class WaitLimit:
    """How many requests may wait in one way: of one caller, and of all."""

    per_caller: int
    total: int


class WaitCounter:
    """Counts the requests that wait in one way."""

    def __init__(self, limit: WaitLimit):
        self._limit = limit
        self._callers: Counter[str] = Counter()
        self._total = 0

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Count one more while the block runs. Raises TooManyWaiting."""
        if self._total >= self._limit.total or self._callers[caller] >= self._limit.per_caller:
            raise TooManyWaiting
        self._total += 1
        self._callers[caller] += 1
        try:
            yield
        finally:
            self._total -= 1
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]


class FairSlots:
    """Slots for costly work, of which each caller gets one at a time, in turn."""

    def __init__(self, slots: int, queue_max: int):
        self._slots = asyncio.Semaphore(slots)
        self._turns: dict[str, asyncio.Lock] = {}
        self._queued: Counter[str] = Counter()
        self._queue_max = queue_max

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Hold a slot while the block runs. Raises TooManyWaiting when this caller's queue is full."""
        if self._queued[caller] >= self._queue_max:
            raise TooManyWaiting
        turn = self._turns.setdefault(caller, asyncio.Lock())
        self._queued[caller] += 1
        try:
            async with turn, self._slots:
                yield
        finally:
            self._queued[caller] -= 1
            if not self._queued[caller]:
                del self._queued[caller], self._turns[caller]
