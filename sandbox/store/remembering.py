"""What a process remembers of a library, which never changes: nobody can tell, but it saves most of the
work of a member's second page.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from sandbox.fhir import dates

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """The latest so many values, the first in the first out. Safe to share between threads."""

    def __init__(self, most: int):
        self._most = most
        self._held: dict[K, V] = {}
        self._lock = Lock()
        self.get: Callable[[K], V | None] = self._held.get

    def keep(self, key: K, value: V) -> V:
        with self._lock:
            if len(self._held) >= self._most:
                del self._held[next(iter(self._held))]
            self._held[key] = value
        return value


class Span(NamedTuple):
    """The keys that an answer has for every clock from `low` until before `high` (ms)."""

    low: int
    high: int
    keys: Sequence[int]

    def holds(self, now: int) -> bool:
        return self.low <= now < self.high


def span(keys: Iterable[int], instants: Iterable[int], now: int) -> Span:
    """The keys of an answer at `now`, as long as it stays the same: until the next of the `instants`
    at which a version comes or goes."""
    low, high = 0, dates.FOREVER
    for instant in instants:
        if instant <= now:
            low = max(low, instant)
        else:
            high = min(high, instant)
    return Span(low, high, array("q", keys))
