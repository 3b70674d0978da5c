"""Caches that hold a number of bytes, not of things: their keys are what strangers send.

What a stranger may send is of any size and any number, so a cache that counts things holds as much as
they like. Sizes here are estimates on the safe side; a test counts real objects.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Generic, TypeVar, cast

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])

ENTRY = 400
"""Bytes that an entry costs whatever is in it."""

SHARE = 16
"""An entry that is larger than one such part of the whole is not kept: it would push out all others."""


def weigh(value: object) -> int:
    """Bytes of a key: of texts, numbers, and tuples and dataclasses of such."""
    if isinstance(value, tuple):
        return 56 + 8 * len(value) + sum(map(weigh, value))
    if hasattr(value, "__dataclass_fields__"):
        return 200 + sum(map(weigh, vars(value).values()))
    return sys.getsizeof(value)


class ByteBoundedCache(Generic[K, V]):
    """A cache of at most `most` bytes, first in, first out: a hit changes nothing.

    `weigh` returns the bytes of an entry. Threads can share it.
    """

    def __init__(self, most: int, weigh: Callable[[K, V], int] = lambda key, value: weigh(key) + 64):
        self._most, self._weigh = most, weigh
        self._held: dict[K, V] = {}
        self._weights: dict[K, int] = {}
        self._lock = Lock()
        self.bytes = 0
        self.get: Callable[[K], V | None] = self._held.get

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, key: K, value: V) -> V:
        weight = self._weigh(key, value) + ENTRY
        if weight > self._most // SHARE:
            return value
        with self._lock:
            self.bytes += weight - self._weights.pop(key, 0)
            self._held.pop(key, None)
            self._held[key], self._weights[key] = value, weight
            while self.bytes > self._most:
                first = next(iter(self._held))
                del self._held[first]
                self.bytes -= self._weights.pop(first)
        return value


_MISSING: Any = object()


def bounded(most: int, weigh: Callable[[tuple[Any, ...], Any], int] | int = 1) -> Callable[[F], F]:
    """Return a decorator that caches results by bytes, for functions of positional arguments.

    `weigh` returns the bytes of arguments and result, or is the factor by which a result may outweigh its
    arguments. The cache is the function's `cache` attribute.
    """
    measure = weigh if callable(weigh) else _times(weigh)

    def decorate(function: F) -> F:
        cache: ByteBoundedCache[tuple[Any, ...], Any] = ByteBoundedCache(most, measure)
        get = cache._held.get

        @wraps(function)
        def cached(*arguments: Any) -> Any:
            value = get(arguments, _MISSING)
            return cache.keep(arguments, function(*arguments)) if value is _MISSING else value

        cached.cache = cache  # type: ignore[attr-defined]
        return cast(F, cached)

    return decorate


def _times(factor: int) -> Callable[[tuple[Any, ...], Any], int]:
    return lambda arguments, result: (1 + factor) * weigh(arguments)
