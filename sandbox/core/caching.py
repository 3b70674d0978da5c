"""A cache for functions of one text that strangers send: it never keeps a long one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

KEPT_LENGTH_MAX = 2_000
"""Characters of a text that is kept: with the number of entries, what a cache can hold in all."""

T = TypeVar("T")


def cache_short(entries: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Cache the results for the latest `entries` texts, but compute those of long texts each time."""

    def decorate(compute: Callable[[str], T]) -> Callable[[str], T]:
        cached = lru_cache(entries)(compute)

        @wraps(compute)
        def call(text: str) -> T:
            return cached(text) if len(text) <= KEPT_LENGTH_MAX else compute(text)

        return call

    return decorate
