"""What a process remembers of a library, which never changes: nobody can tell, but it saves most of the
work of a member's second page.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

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
