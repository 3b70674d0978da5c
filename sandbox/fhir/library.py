"""What the interactions need of a store: resources as finished bytes, found by key or by query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.fhir.query import Include, Query


@dataclass(frozen=True)
class Stored:
    """A resource at rest. `key` orders pages; `patient` is its compartment (None: shared)."""

    key: int
    type: str
    id: str
    patient: str | None
    body: bytes


@dataclass(frozen=True)
class Page:
    """One screen of results. `more` says that a next page exists; it starts after `last`."""

    matches: tuple[Stored, ...]
    included: tuple[Stored, ...] = ()
    total: int | None = None
    more: bool = False
    last: int = 0


@dataclass(frozen=True)
class Everything:
    """What `$everything` asks: types (empty: all), care dates and update time in milliseconds."""

    patient: str
    types: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    since: int | None = None
    count: int = 50
    after: int = 0


class Library(Protocol):
    """Read-only. Implemented by `store/library.py`."""

    def read(self, kind: str, id: str) -> Stored | None: ...

    def search(self, query: Query, now: int) -> Page:
        """Matches in key order. `now` (ms) is what `ap` measures from."""
        ...

    def include(self, found: Sequence[Stored], includes: Iterable[Include]) -> tuple[Stored, ...]:
        """What the found resources point to by these parameters, without the found ones."""
        ...

    def everything(self, asked: Everything) -> Page:
        """The compartment and, after it, the shared resources it refers to, in key order."""
        ...
