"""How much of a worker one caller may hold: requests that wait, and costly requests that run.

Every count is of one worker. A caller is a bearer token where there is one, an address otherwise.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")

TURN_SECONDS, SHORT_TURN_SECONDS = 0.0005, 0.00005
"""How long a thread computes before another one gets its turn: usually, and while work goes on that has
taken `LONG_SECONDS`. A small request needs about ten turns; short turns cost a tenth of the throughput."""
LONG_SECONDS = 0.01


class TooManyWaiting(Exception):
    """The caller, or all callers together, have as many requests waiting as they may."""


@dataclass(frozen=True)
class WaitLimit:
    """How many requests may wait in one way: of one caller, of one address, and of all. Anybody may send
    tokens that are none, so that tokens alone do not tell callers apart."""

    per_caller: int
    per_address: int
    total: int


class WaitCounter:
    """Counts the requests that wait in one way."""

    def __init__(self, limit: WaitLimit):
        self._limit = limit
        self._callers: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._total = 0

    @contextmanager
    def place(self, caller: str, address: str) -> Iterator[None]:
        """Count one more while the block runs. Raises TooManyWaiting."""
        counters = (
            (self._callers, caller, self._limit.per_caller),
            (self._addresses, address, self._limit.per_address),
        )
        if self._total >= self._limit.total or any(waits[name] >= most for waits, name, most in counters):
            raise TooManyWaiting
        self._total += 1
        for waits, name, _ in counters:
            waits[name] += 1
        try:
            yield
        finally:
            self._total -= 1
            for waits, name, _ in counters:
                waits[name] -= 1
                if not waits[name]:
                    del waits[name]


class FairExecutor:
    """A few threads for costly work. Callers get them in turn, however much work each has queued."""

    def __init__(self, threads: int, queue_max: int):
        self._threads = ThreadPoolExecutor(threads, "costly")
        self._queue_max = queue_max
        self._queues: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        """Each caller's work, in the order of the callers' turns."""
        self._lock = Lock()

    def submit(self, caller: str, work: Callable[[], T]) -> Future[T]:
        """Queue work. Raises TooManyWaiting when this caller's queue is full."""
        future: Future[T] = Future()
        with self._lock:
            queue = self._queues.setdefault(caller, deque())
            if len(queue) >= self._queue_max:
                raise TooManyWaiting
            queue.append((future, work))
        self._threads.submit(self._run_next)
        return future

    def shutdown(self) -> None:
        """Finish what runs; cancel what is queued."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for future, _ in chain.from_iterable(self._queues.values()):
                future.cancel()
            self._queues.clear()

    def _run_next(self) -> None:
        """Run the first work of the caller whose turn it is, who then stands behind the others."""
        with self._lock:
            if not self._queues:  # shut down meanwhile
                return
            caller = next(iter(self._queues))
            queue = self._queues.pop(caller)
            future, work = queue.popleft()
            if queue:
                self._queues[caller] = queue
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)


class Turns:
    """Shortens the turns of threads while long work goes on."""

    def __init__(self) -> None:
        self._long = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch work that lasts as long as the block, on the running event loop."""
        began = False

        def begin() -> None:
            nonlocal began
            began = True
            self._count(1)

        timer = asyncio.get_running_loop().call_later(LONG_SECONDS, begin)
        try:
            yield
        finally:
            timer.cancel()
            if began:
                self._count(-1)

    def _count(self, change: int) -> None:
        self._long += change
        sys.setswitchinterval(SHORT_TURN_SECONDS if self._long else TURN_SECONDS)
