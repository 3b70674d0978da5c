"""Numbers for labels and for the sets of traits that many resources share (see `schema`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sandbox.store.library.schema import NUMBERS

Trait = tuple[str, str, str]
"""Parameter; code system or type referred to; code or id."""

Span = tuple[str, int, int]
"""Parameter, and from when to when, in milliseconds."""

REMEMBERED = 1 << 15
"""Sets of each kind whose numbers a build remembers (some 50 MB at most), however large it grows. One
that comes again later gets another number."""


class Sharing:
    """What has got its number so far. `fresh` are rows to be written: whoever writes them empties it."""

    def __init__(self) -> None:
        self.fresh: dict[str, list[tuple[Any, ...]]] = {"label": [], "trait": [], "period": []}
        self._labels: dict[tuple[str, str], int] = {}
        self._sets = self._spans_known = 0
        self.set = lru_cache(REMEMBERED)(self._set)
        self.spans = lru_cache(REMEMBERED)(self._spans)

    def label(self, param: str, qualifier: str) -> int:
        number = self._labels.get((param, qualifier))
        if number is None:
            number = self._labels[param, qualifier] = len(self._labels) + 1
            self.fresh["label"].append((number, param, qualifier, NUMBERS.get(qualifier, 0)))
        return number

    def hold(self, traits: Iterable[tuple[Any, ...]]) -> None:
        """Let holders (a resource's key, or a set's number) have traits: (holder, *trait), each once."""
        rows = {(holder, self.label(param, kind), str(text)) for holder, param, kind, text in traits}
        self.fresh["trait"] += sorted(rows)

    def _set(self, traits: tuple[Trait, ...]) -> int:
        if not traits:
            return 0
        self._sets -= 1
        self.hold((self._sets, *trait) for trait in traits)
        return self._sets

    def _spans(self, spans: tuple[Span, ...]) -> int:
        if not spans:
            return 0
        self._spans_known += 1
        rows = {(self._spans_known, self.label(param, ""), low, high) for param, low, high in spans}
        self.fresh["period"] += sorted(rows)
        return self._spans_known
