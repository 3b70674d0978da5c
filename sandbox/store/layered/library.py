"""A library and what a tenant has written over it, read and searched as one.

Both layers answer by the same statements, and the answers are merged. What crosses the layers (a chain, an
include, what `$everything` refers to) goes by type and id. In the order of a search what is written comes
after what was built; a version that replaces another has a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from threading import Lock
from typing import Any

from sandbox.core.cache import ByteBoundedCache, weigh
from sandbox.fhir.library import Everything, Library, Page, Stored
from sandbox.fhir.search.clause import Clause
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.query import Query
from sandbox.store.layered.index import WrittenIndex
from sandbox.store.ledger.repositories.written import WrittenResources
from sandbox.store.library.include import closure, names_ahead, pointing_back, rules_ahead
from sandbox.store.library.layer import FIRST_KEY, Layer, page_of, search_layers
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.schema import RESOURCE
from sandbox.store.library.sql import ALONE, OtherLayer

INDEXES, BODIES = 192 << 20, 16 << 20
"""Bytes of the indexes of tenants, and of written bodies, that a process remembers."""


class LayeredLibrary:
    """The library of a tenant whose clients have written something. It implements `fhir.library.Library`."""

    def __init__(self, library: SqlLibrary, written: WrittenIndex):
        self._library, self._written = library, written

    def read(self, kind: str, id: str, now: int) -> Stored | None:
        if self._written.has((kind, id), now):
            return self._written.read((kind, id), now)
        return self._library.read(kind, id, now)

    def versions(self, kind: str, id: str, now: int) -> tuple[Stored, ...]:
        since = self._written.hides_since((kind, id))
        built = (s for s in self._library.versions(kind, id, now) if s.updated < since)
        return (*self._written.versions((kind, id), now), *built)

    def search(self, query: Query, now: int) -> Page:
        hidden = self._written.hidden(now)
        clauses = chain(query.clauses, *query.any_of)
        below, above = self._chains([(query.type, clauses)], now, query.patient, hidden)
        layers = (
            (self._library, self._library.where(query, now, replace(hidden, ids=below))),
            (self._written, self._written.where(query, now, OtherLayer(ids=above))),
        )
        return search_layers(layers, query, self.these)

    def include(
        self, matches: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None = None
    ) -> tuple[Stored, ...]:
        hidden = self._written.hidden(now)

        def step(frontier: Sequence[Stored], rules: Sequence[Include]) -> Iterator[list[Stored]]:
            values = {"now": now} if patient is None else {"now": now, "patient": patient}
            for layer, other in ((self._library, hidden), (self._written, ALONE)):
                for statement, names in pointing_back(frontier, rules, patient is not None):
                    if other.hidden:
                        statement = statement.where(RESOURCE.c.key.not_in(other.hidden))
                    keys = [row[0] for row in layer.execute(statement, values | names)]
                    yield layer.these(keys)
            targets = set(self._targets(frontier, rules))
            for layer, other in ((self._library, hidden), (self._written, ALONE)):
                yield layer.these(layer.find(targets, now, patient, other))

        return closure(step, matches, includes)

    def everything(self, query: Everything, now: int) -> Page:
        hidden = self._written.hidden(now)
        layers: tuple[tuple[Layer, OtherLayer], ...] = ((self._library, hidden), (self._written, ALONE))
        own = [layer.own(query, now, other) for layer, other in layers]
        names = {
            name for (layer, _), keys in zip(layers, own, strict=True) for name in layer.shared_names(keys)
        }
        searches = [(kind, chain.from_iterable(part)) for kind, part in query.limits]
        crossing = self._chains(searches, now, query.patient, hidden)
        keys: list[int] = []
        for (layer, other), mine, chains in zip(layers, own, crossing, strict=True):
            shared = layer.find(names, now, None, other)
            keys += layer.within([*mine, *shared], query, now, replace(other, ids=chains))
        return page_of(self.these, keys, query)

    def these(self, keys: Sequence[int]) -> list[Stored]:
        """The resources of some keys, in their order."""
        built = iter(self._library.these([key for key in keys if key < FIRST_KEY]))
        written = {s.key: s for s in self._written.these([key for key in keys if key >= FIRST_KEY])}
        rows = (next(built) if key < FIRST_KEY else written.get(key) for key in keys)
        return [stored for stored in rows if stored is not None]

    def _chains(
        self,
        searches: Iterable[tuple[str, Iterable[Clause]]],
        now: int,
        patient: str | None,
        hidden: OtherLayer,
    ) -> tuple[dict[Clause, tuple[str, ...]], dict[Clause, tuple[str, ...]]]:
        """For the library and for what is written: the ids of the other layer where each chain may end.

        `searches` are the clauses for each type.
        """
        below: dict[Clause, tuple[str, ...]] = {}
        above: dict[Clause, tuple[str, ...]] = {}
        for kind, clauses in searches:
            for clause in clauses:
                if clause.chain:
                    below[clause] = self._written.ids(clause, now, patient)
                    ends = self._written.ends(kind, clause)
                    above[clause] = self._library.ids(clause, now, patient, hidden, ends) if ends else ()
        return below, above

    def _targets(self, frontier: Sequence[Stored], rules: Sequence[Include]) -> Iterator[Any]:
        """The names of what the rules lead to from these resources."""
        for ahead in rules_ahead(rules).values():
            keys = [s.key for s in frontier if s.type == ahead[0].source]
            for layer, some in (
                (self._library, [key for key in keys if key < FIRST_KEY]),
                (self._written, [key for key in keys if key >= FIRST_KEY]),
            ):
                if some:
                    yield from layer.execute(names_ahead(ahead), {"keys": some})


class TenantLibraries:
    """The library of each tenant. A process remembers the indexes of those that were asked last."""

    def __init__(self, library: SqlLibrary):
        self._library = library
        self._locks = [Lock() for _ in range(16)]
        self._forget()

    def of_tenant(self, written: WrittenResources, revision: int | None) -> Library:
        """The library of a tenant at a `revision` (of `TenantState`): the plain one if nothing is written."""
        if revision is None:
            return self._library
        index = self._indexes.get(written.name)
        if index is None or index.revision != revision:
            with self._locks[hash(written.name) % len(self._locks)]:
                index = self._refreshed(written)
        return LayeredLibrary(self._library, index)

    def after_fork(self) -> None:
        """Forget the indexes: their connections are the parent's."""
        self._forget()

    def _forget(self) -> None:
        self._indexes: ByteBoundedCache[str, WrittenIndex] = ByteBoundedCache(
            INDEXES, lambda name, index: weigh(name) + index.bytes
        )
        self._bodies: ByteBoundedCache[int, bytes] = ByteBoundedCache(BODIES, lambda _, body: len(body) + 64)

    def _refreshed(self, written: WrittenResources) -> WrittenIndex:
        """The index at the present revision."""
        index = self._indexes.get(written.name)
        if index is not None:
            revision, versions = written.after(index.last)
            # Each version adds one to the revision; whatever else happened adds to it, too.
            if revision is not None and revision == index.revision + len(versions):
                if versions:
                    index.add(versions, revision)
                    self._indexes.keep(written.name, index)
                return index
        index = WrittenIndex(self._library, written, self._bodies)
        revision, versions = written.after(0)
        index.add(versions, revision or 0)
        return self._indexes.keep(written.name, index)
