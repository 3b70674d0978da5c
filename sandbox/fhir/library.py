"""What the interactions need of a store: resources as finished bytes, found by key or by query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple, Protocol

from sandbox.fhir.search.clause import AnyOf
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.query import Query


def entry_address(kind: str, id: str) -> bytes:
    """What an entry of a page has after the base: type/id."""
    return f"{kind}/{id}".encode()


class Stored(NamedTuple):
    """One version of a resource at rest; a tuple, because a page makes fifty.

    `key` orders pages; `patient` is its compartment (None: shared); `updated` (ms) is when this
    version began to be seen; `address` is its `entry_address`.
    """

    key: int
    type: str
    id: str
    patient: str | None
    body: bytes
    version: str
    updated: int
    address: bytes


_BODY = attrgetter("body")


@dataclass(frozen=True)
class Page:
    """One screen of results. `more` says that a next page exists; it starts after `last`, the key of
    the last match; the previous page ends before `first`. `withheld` are types of which something was
    left out because the token does not reach it; `cut` says that the page is shorter than was asked,
    because its resources are large."""

    matches: tuple[Stored, ...]
    included: tuple[Stored, ...] = ()
    total: int | None = None
    more: bool = False
    last: int = 0
    first: int = 0
    withheld: tuple[str, ...] = ()
    cut: bool = False

    def fit(self, size: int, back: bool) -> Page:
        """The page with no more matches than have `size` bytes together, but with one at least. Going
        `back`, those at its end are kept: the page ends where it was asked to."""
        if sum(map(len, map(_BODY, self.matches))) <= size:
            return self
        kept = 0
        for stored in reversed(self.matches) if back else self.matches:
            size -= len(stored.body)
            if size < 0 and kept:
                break
            kept += 1
        matches = self.matches[-kept:] if back else self.matches[:kept]
        return replace(self, matches=matches, more=True, cut=True, first=matches[0].key, last=matches[-1].key)


@dataclass(frozen=True)
class Everything:
    """What `$everything` asks: types (empty: all), care dates and update time in milliseconds. `after`
    and `back` are those of a Query; `limits` the types of which only a part may be shown, with what
    that part must meet."""

    patient: str
    types: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    since: int | None = None
    count: int = 50
    after: int = 0
    back: bool = False
    limits: tuple[tuple[str, AnyOf], ...] = ()

    @property
    def cost(self) -> int:
        """As that of a Query."""
        return 5 + self.count // 20


class Library(Protocol):
    """Read-only. Implemented by `store/library/read.py`. `now` (ms) is the reader's clock: it decides
    which version of each resource is in force, and whether there is one yet."""

    def read(self, kind: str, id: str, now: int) -> Stored | None: ...

    def versions(self, kind: str, id: str, now: int) -> tuple[Stored, ...]:
        """Every version of a resource that has been seen until now, the newest first."""
        ...

    def search(self, query: Query, now: int) -> Page:
        """Matches in key order, or in that of `query.sorts`. `ap` measures from `now`. Raises Gone for
        a sorted page that starts after a row that is not there."""
        ...

    def include(
        self, matches: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None = None
    ) -> tuple[Stored, ...]:
        """Return what the matches point to by these parameters, or what points to them.

        The matches themselves are left out. If a patient is given, only resources of that compartment and
        shared ones are returned.
        """
        ...

    def everything(self, query: Everything, now: int) -> Page:
        """The compartment and, after it, the shared resources it refers to, in key order."""
        ...
