"""How much of a worker one caller may hold: requests that wait, and costly requests that run.

Every count is of one worker. A caller is a bearer token where there is one, an address otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
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
    """Slots for costly work. Callers who wait get them in turn, however many requests each has sent."""

    def __init__(self, slots: int, queue_max: int):
        self._free, self._queue_max = slots, queue_max
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        """Who waits, in the order of their turns."""

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Hold a slot while the block runs. Raises TooManyWaiting when this caller's queue is full."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, caller: str) -> None:
        queue = self._queues.setdefault(caller, deque())
        if len(queue) >= self._queue_max:
            raise TooManyWaiting
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a slot to the caller whose turn it is; free it where nobody waits."""
        while self._queues:
            caller = next(iter(self._queues))
            queue = self._queues.pop(caller)
            while queue and queue[0].done():  # who left
                queue.popleft()
            if queue:
                queue.popleft().set_result(None)
                if queue:
                    self._queues[caller] = queue  # behind the others
                return
        self._free += 1
