"""What a tenant has written as a small library of its own: the same tables, in the memory of a process.

The rows are made as those of any library are, so a search means the same in both layers. Bodies stay in the
ledger. A revision that only adds versions is added to the index; any other change makes a new index.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from threading import Lock
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Executable, StaticPool, create_engine, update

from sandbox.core.cache import ByteBoundedCache
from sandbox.core.files import json_value
from sandbox.fhir import dates
from sandbox.fhir.library import Stored, entry_address
from sandbox.store.ledger.repositories.written import WrittenVersion
from sandbox.store.library.layer import FIRST_KEY, Layer
from sandbox.store.library.packing import Packing
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.rows import AT, empty_batch, index_resource
from sandbox.store.library.schema import META, RESOURCE
from sandbox.store.library.sql import OtherLayer
from sandbox.store.library.traits import Sharing
from sandbox.store.library.write import create_tables, put_batch

Name = tuple[str, str]
"""Type and id."""


class IndexedVersion(NamedTuple):
    """A version without its body."""

    number: int
    name: Name
    version: int
    patient: str | None
    updated: int
    is_deletion: bool

    @classmethod
    def of_written(cls, written: WrittenVersion) -> IndexedVersion:
        name = written.type, written.id
        return cls(
            written.number, name, written.version, written.patient, written.updated, written.body is None
        )


class WrittenSource(Protocol):
    """Where the bodies of versions are: the tenant's part of the ledger."""

    def bodies(self, numbers: Iterable[int]) -> dict[int, bytes]: ...


class WrittenIndex(Layer):
    """The index of one tenant's written resources. Safe to share between threads. `revision` is the one that
    it was made of, `last` the number of its last version."""

    def __init__(self, library: SqlLibrary, source: WrittenSource, bodies: ByteBoundedCache[int, bytes]):
        self.revision = self.last = self.bytes = 0
        self._library, self._source, self._bodies = library, source, bodies
        self._lock = Lock()
        self._sharing = Sharing()
        self._versions: dict[Name, list[IndexedVersion]] = {}
        self._by_number: dict[int, IndexedVersion] = {}
        self._replaced: dict[Name, tuple[int, ...]] = {}  # keys of the library below
        # One connection, as another one would have another database; the lock gives it to one at a time.
        self._engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        weakref.finalize(self, self._engine.dispose)
        with self._engine.begin() as db:
            create_tables(db)
            for table in META.sorted_tables:
                for index in table.indexes:
                    index.create(db)

    def add(self, versions: Sequence[WrittenVersion], revision: int) -> None:
        """Add the versions that were written since, in the order of their numbers."""
        fresh = [IndexedVersion.of_written(version) for version in versions]
        groups = {v.name: list(self._versions.get(v.name, ())) for v in fresh}
        for version in fresh:
            groups[version.name].append(version)
        keys = self._library.keys_of(name for name in groups if name not in self._versions)
        # First, as others may find the rows as soon as they are there.
        self._by_number.update((v.number, v) for v in fresh)
        with self._lock, self._engine.begin() as db:
            _insert(db, versions, dict(_ends(groups.values())), self._sharing)
            pages, size = (
                db.exec_driver_sql(f"PRAGMA page_{what}").scalar_one() for what in ("count", "size")
            )
        self._versions.update(groups)
        self._replaced = self._replaced | keys  # whoever reads the former one goes on reading it
        self.bytes = pages * size + 1000 * len(self._by_number)
        self.last, self.revision = max([self.last, *self._by_number]), revision

    def execute(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Any]:
        with self._lock, self._engine.connect() as db:
            return db.execute(statement, values).all()

    def these(self, keys: Sequence[int]) -> list[Stored]:
        numbers = [key - FIRST_KEY for key in keys]
        bodies = {number: body for number in numbers if (body := self._bodies.get(number)) is not None}
        if missing := [number for number in numbers if number not in bodies]:
            bodies |= self._source.bodies(missing)
            for number in missing:
                if number in bodies:  # else it was removed a moment ago
                    self._bodies.keep(number, bodies[number])
        return [_stored(self._by_number[number], bodies[number]) for number in numbers if number in bodies]

    def has(self, name: Name, now: int) -> bool:
        """Whether the tenant has written this resource by then: the library's own is hidden."""
        return name in self._versions and self._first(name) <= now

    def read(self, name: Name, now: int) -> Stored | None:
        """The version in force; None if there is none or it is a deletion."""
        latest = max((v for v in self._versions[name] if v.updated <= now), key=_order)
        rows = [] if latest.is_deletion else self.these([FIRST_KEY + latest.number])
        return rows[0] if rows else None

    def versions(self, name: Name, now: int) -> list[Stored]:
        """The versions until then, the newest first, without deletions."""
        seen = [v for v in self._versions.get(name, ()) if v.updated <= now and not v.is_deletion]
        return self.these([FIRST_KEY + v.number for v in sorted(seen, key=_order, reverse=True)])

    def hides_since(self, name: Name) -> int:
        """From when on (ms) the library's own versions are hidden."""
        return self._first(name) if name in self._versions else dates.FOREVER

    def hidden(self, now: int) -> OtherLayer:
        """What the index means for the library below it."""
        hidden = (keys for name, keys in self._replaced.items() if self._first(name) <= now)
        return OtherLayer(tuple(chain.from_iterable(hidden)))

    def _first(self, name: Name) -> int:
        return min(v.updated for v in self._versions[name])


def _insert(
    db: Connection, versions: Sequence[WrittenVersion], ends: dict[int, int], sharing: Sharing
) -> None:
    """Write the rows of the versions; `ends` says until when they and those before them are in force."""
    batch = empty_batch()
    for version in versions:
        if version.body is not None:
            resource = json_value(version.body)
            index_resource(batch, version.number, resource, version.body, version.patient)
            row = batch.resources[-1]
            row[AT["version"]], row[AT["updated"]] = str(version.version), version.updated
            row[AT["until"]], row[AT["body"]] = ends.pop(version.number), b""
    put_batch(db, Packing(), sharing, FIRST_KEY, batch)
    for number, end in ends.items():
        db.execute(update(RESOURCE).where(RESOURCE.c.key == FIRST_KEY + number).values(until=end))


def _ends(groups: Iterable[list[IndexedVersion]]) -> Iterator[tuple[int, int]]:
    """Until when each version is in force, by number. Each group has the versions of one resource."""
    for group in groups:
        ordered = sorted(group, key=_order)
        ends = [v.updated for v in ordered[1:]] + [dates.FOREVER]
        yield from ((v.number, end) for v, end in zip(ordered, ends, strict=True) if not v.is_deletion)


def _order(version: IndexedVersion) -> tuple[int, int]:
    return version.updated, version.number


def _stored(version: IndexedVersion, body: bytes) -> Stored:
    return Stored(
        FIRST_KEY + version.number,
        *version.name,
        version.patient,
        body,
        str(version.version),
        version.updated,
        entry_address(*version.name),
    )
