"""The library: `SqlLibrary` answers `fhir.library.Library` from what `write` wrote.

Compartment first: a member's search narrows by (patient, type) and then asks one EXISTS per
parameter, which is fast at any population size (three-way joins are not).

A resource may be there in several versions. Each is in force from its `lastUpdated` until the next
one's, so the tenant's clock decides what is seen: a claim that is not visible yet, its first version,
or the one after it was replaced.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, func, inspect, not_, or_, select, union
from sqlalchemy import exists as exists_row
from sqlalchemy.exc import DBAPIError, NoResultFound

from sandbox.core.cache import ByteBoundedCache, weigh
from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Page, Stored, entry_address
from sandbox.fhir.schema.paths import CARE
from sandbox.fhir.schema.types import SHARED, TYPES
from sandbox.fhir.search.clause import Clause
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.query import Query
from sandbox.store import address
from sandbox.store.driver import Driver, bind, pad
from sandbox.store.library.accounts import Accounts
from sandbox.store.library.include import STORED, follow
from sandbox.store.library.layer import Layer, Names, any_of_them, is_granted, page_of, search_layers
from sandbox.store.library.packing import Packing
from sandbox.store.library.schema import (
    ABOUT,
    ACCOUNT,
    DATE,
    DICTIONARY,
    HOUSEHOLD,
    OTHER_TYPES,
    PROFILES,
    REFERENCE,
    RESOURCE,
)
from sandbox.store.library.sql import condition, in_force

BODIES, READS, ANSWERS, CHANGES = 32 << 20, 16 << 20, 8 << 20, 4 << 20
"""Bytes that a process remembers: resources unpacked, those that were read, the keys of answers, and of
members when something of theirs changes."""


def exists(place: str | Path) -> bool:
    """Whether there is a library; raises FileProblem where there is no database to ask."""
    if not (isinstance(place, str) and address.is_url(place)):
        return Path(place).is_file()
    engine = address.reading(place)
    try:
        with engine.connect() as db:
            return inspect(db).has_table(ABOUT.name, schema=address.schema_of(place))
    except DBAPIError as problem:
        raise FileProblem(f"{address.shown(place)}: {str(problem.orig).splitlines()[0]}") from None
    finally:
        engine.dispose()


def noted(place: str | Path, name: str) -> bytes | None:
    """A row of a library's `about`."""
    engine = address.reading(place)
    try:
        with engine.connect() as db:
            return db.execute(select(ABOUT.c.value).where(ABOUT.c.name == name)).scalar_one_or_none()
    finally:
        engine.dispose()


class SqlLibrary(Layer):
    """A library that is whole: a file, opened read-only, or a schema of a database. Safe to share
    between threads; a process that was forked calls `after_fork`. Raises FileProblem."""

    def __init__(self, place: str | Path):
        self._engine = address.reading(place)
        if not exists(place):
            raise FileProblem(f"{address.shown(place)}: no such library")
        self._driver = Driver(self._engine)
        try:
            with self._engine.connect() as db:
                dictionary = db.execute(select(ABOUT.c.value).where(ABOUT.c.name == DICTIONARY)).scalar_one()
        except (DBAPIError, NoResultFound):
            raise FileProblem(f"{address.shown(place)}: not a library") from None
        self._unpack = Packing(dictionary).unpack
        # Nobody can tell, but it saves most of the work of a member's second page.
        self._bodies: ByteBoundedCache[int, Stored] = ByteBoundedCache(BODIES, lambda _, s: _size(s))
        self._reads: ByteBoundedCache[tuple[str, str], tuple[Stored, int]] = ByteBoundedCache(
            READS, lambda key, cached: weigh(key) + _size(cached[0])
        )
        self._answers: ByteBoundedCache[Hashable, Sequence[int]] = ByteBoundedCache(
            ANSWERS, lambda key, keys: weigh(key) + 8 * len(keys)
        )
        self._changes: ByteBoundedCache[str, Sequence[int]] = ByteBoundedCache(
            CHANGES, lambda key, times: 8 * len(times)
        )

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are the parent's."""
        self._driver.forget()
        self._engine.dispose(close=False)

    def execute(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Any]:
        with self._engine.connect() as db:
            return db.execute(statement, values).all()

    def keys_of(self, names: Names) -> dict[tuple[str, str], tuple[int, ...]]:
        """The keys of every version of some resources, by type and id."""
        ids: dict[str, list[str]] = {}
        for kind, id in names:
            ids.setdefault(kind, []).append(id)
        keys: dict[tuple[str, str], tuple[int, ...]] = {}
        for kind, some in ids.items():
            mine = RESOURCE.c.type == kind, RESOURCE.c.id.in_(some)
            for id, key in self.execute(select(RESOURCE.c.id, RESOURCE.c.key).where(*mine)):
                keys[kind, id] = (*keys.get((kind, id), ()), key)
        return keys

    def accounts(self) -> Accounts:
        """Every login, by username."""
        return Accounts(self._driver, ACCOUNT.c.username)

    def members(self) -> Accounts:
        """The logins of patients themselves, by patient."""
        return Accounts(self._driver, ACCOUNT.c.patient)

    def profiles(self) -> dict[str, list[str]]:
        """Type → the profiles that its resources claim, without their versions."""
        by_type: dict[str, list[str]] = {}
        for (claimed,) in self._driver.rows(select(ABOUT.c.value).where(ABOUT.c.name == PROFILES)):
            for kind, profile in json_value(bytes(claimed)):
                by_type.setdefault(kind, []).append(profile)
        return by_type

    def others(self) -> tuple[str, ...]:
        """The types beyond those of the guides that there are resources of."""
        for (listed,) in self._driver.rows(select(ABOUT.c.value).where(ABOUT.c.name == OTHER_TYPES)):
            return tuple(json_value(bytes(listed)))
        return ()

    def household(self, patient: str) -> list[tuple[str, str]]:
        """Return who is on this patient's policies, in the order they came in.

        Each is the id of the Patient, and of the RelatedPerson that the subscriber is to them.
        """
        query = select(HOUSEHOLD.c.dependant, HOUSEHOLD.c.related).where(HOUSEHOLD.c.subscriber == patient)
        with self._engine.connect() as db:
            rows = db.execute(query.order_by(HOUSEHOLD.c.number))
            return [(dependant, related) for dependant, related in rows]

    def count_by_type(self, patient: str, now: int) -> dict[str, int]:
        """Return how many resources of a patient there are at this time (ms), by type."""
        rows = self.execute(_COUNTS, {"patient": patient, "now": now})
        return {str(kind): int(number) for kind, number in rows}

    def list_coming(self, now: int, limit: int) -> list[tuple[int, str, str]]:
        """Return what appears next after this time: when (ms), type and id, the earliest first."""
        rows = self.execute(_COMING.limit(limit), {"now": now})
        return [(int(when), str(kind), str(id)) for when, kind, id in rows]

    def read(self, kind: str, id: str, now: int) -> Stored | None:
        cached = self._reads.get((kind, id))
        if cached is not None and cached[0].updated <= now < cached[1]:
            return cached[0]
        for *row, until in self._driver.rows(_ONE, type=kind, id=id, now=now):
            return self._reads.keep((kind, id), (self._stored([row])[0], until))[0]
        return None

    def versions(self, kind: str, id: str, now: int) -> tuple[Stored, ...]:
        return tuple(self._fetch(_VERSIONS, type=kind, id=id, now=now))

    def search(self, query: Query, now: int) -> Page:
        clauses = [clause for clause in query.clauses if not is_granted(clause, query.patient)]
        if query.patient is not None and not (query.sorts or any(clause.moves for clause in clauses)):
            return self._within(query, tuple(clauses), now)
        return search_layers([(self, self.where(query, now))], query, self.these)

    def include(
        self, matches: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None = None
    ) -> tuple[Stored, ...]:
        rules = tuple(includes)
        if patient is None:
            return follow(self._fetch, matches, rules, now, None)

        def followed() -> Iterator[int]:
            return (stored.key for stored in follow(self._fetch, matches, rules, now, patient))

        name = tuple(stored.key for stored in matches), rules
        return tuple(self.these(self._kept(patient, now, name, followed)))

    def everything(self, query: Everything, now: int) -> Page:
        values: dict[str, Any] = {"patient": query.patient}
        edges = {"start": query.start, "end": query.end, "since": query.since, "types": list(query.types)}
        values |= {name: value for name, value in edges.items() if value not in (None, [])}
        statement = _everything(tuple(values))
        values["now"] = now
        if query.limits:
            for kind, part in query.limits:
                statement = statement.where(
                    or_(RESOURCE.c.type != kind, any_of_them(part, now, query.patient))
                )
            with self._engine.connect() as db:
                return page_of(self.these, list(db.execute(statement, values).scalars()), query)
        name = (query.types, query.start, query.end, query.since)
        keys = self._kept(query.patient, now, name, lambda: self._keys(statement, **values))
        return page_of(self.these, keys, query)

    def _within(self, query: Query, clauses: tuple[Clause, ...], now: int) -> Page:
        """Of what a member has of a type: what most searches ask."""
        patient = query.patient
        assert patient is not None

        def find_keys() -> Iterator[int]:
            if not (clauses or query.any_of):
                return self._keys(_KEYS, patient=patient, type=query.type, now=now)
            where = [condition(clause, now, patient) for clause in clauses]
            if query.any_of:
                where.append(any_of_them(query.any_of, now, patient))
            with self._engine.connect() as db:
                values = {"patient": patient, "type": query.type, "now": now}
                return iter(db.execute(_KEYS.where(*where), values).scalars().all())

        keys = self._kept(patient, now, (query.type, clauses, query.any_of), find_keys)
        if query.summary_only:
            return Page((), total=len(keys))
        page = page_of(self.these, keys, query)
        return replace(page, total=None) if query.untold else page

    def _kept(
        self, patient: str, now: int, question: Hashable, find: Callable[[], Iterable[int]]
    ) -> Sequence[int]:
        """The keys of an answer about a member; it stays as long as nothing changes that they can see."""
        name = (patient, self._unchanged_since(patient, now), question)
        cached = self._answers.get(name)
        return cached if cached is not None else self._answers.keep(name, array("q", find()))

    def _unchanged_since(self, patient: str, now: int) -> int:
        """When a version last came or went of what is the member's or belongs to nobody."""
        changes = self._changes.get(patient)
        if changes is None:
            mine = chain.from_iterable(self._driver.rows(_CHANGES, patient=patient))
            changes = self._changes.keep(
                patient, array("q", sorted({-dates.FOREVER, *mine, *self._shared_changes}))
            )
        return changes[bisect_right(changes, now) - 1]

    @cached_property
    def _shared_changes(self) -> list[int]:
        held = sorted(kind for kind in (*TYPES, *self.others()) if kind in SHARED)
        return list(chain.from_iterable(self._driver.rows(_SHARED_CHANGES, types=held)))

    def _keys(self, statement: Select[tuple[int]], **values: Any) -> Iterator[int]:
        return (key for (key,) in self._driver.rows(statement, **values))

    def these(self, keys: Sequence[int]) -> list[Stored]:
        """The resources of some keys, in their order."""
        resources = list(map(self._bodies.get, keys))
        if None in resources:
            missing = [key for key, stored in zip(keys, resources, strict=True) if stored is None]
            fetched = {stored.key: stored for stored in self._fetch(_THESE, keys=pad(missing))}
            return [stored or fetched[key] for key, stored in zip(keys, resources, strict=True)]
        return resources  # type: ignore[return-value]  # nothing is missing

    def _fetch(self, statement: Select[Any], **values: Any) -> list[Stored]:
        return self._stored(self._driver.rows(statement, **values))

    def _stored(self, rows: Iterable[Any]) -> list[Stored]:
        cached, keep, unpack = self._bodies.get, self._bodies.keep, self._unpack
        return [
            cached(key)
            or keep(
                key, Stored(key, kind, id, patient, unpack(body), version, updated, entry_address(kind, id))
            )
            for key, kind, id, patient, body, version, updated in rows
        ]


_NOW = in_force(RESOURCE, bind("now"))
_SAME = (RESOURCE.c.type == bind("type"), RESOURCE.c.id == bind("id"))
_ONE = STORED.add_columns(RESOURCE.c.until).where(*_SAME, *_NOW)
_VERSIONS = STORED.where(*_SAME, RESOURCE.c.updated <= bind("now")).order_by(RESOURCE.c.updated.desc())
_THESE = STORED.where(RESOURCE.c.key.in_(bind("keys", many=True)))
_OF_PATIENT = RESOURCE.c.patient == bind("patient")
_KEYS = (
    select(RESOURCE.c.key).where(_OF_PATIENT, RESOURCE.c.type == bind("type"), *_NOW).order_by(RESOURCE.c.key)
)
_COUNTS = (
    select(RESOURCE.c.type, func.count())
    .where(_OF_PATIENT, RESOURCE.c.updated <= bind("now"), RESOURCE.c.until > bind("now"))
    .group_by(RESOURCE.c.type)
    .order_by(RESOURCE.c.type)
)
_COMING = (
    select(RESOURCE.c.updated, RESOURCE.c.type, RESOURCE.c.id)
    .where(RESOURCE.c.updated > bind("now"))
    .order_by(RESOURCE.c.updated, RESOURCE.c.key)
)
_CHANGES = select(RESOURCE.c.updated, RESOURCE.c.until).where(_OF_PATIENT)
_SHARED_CHANGES = (
    select(RESOURCE.c.updated, RESOURCE.c.until)
    .where(RESOURCE.c.type.in_(bind("types", many=True)))
    .distinct()
)


@lru_cache
def _everything(named: tuple[str, ...]) -> Select[tuple[int]]:
    """The keys of `$everything` in order, with those of its parameters that are given."""
    own: list[ColumnElement[bool]] = [RESOURCE.c.patient == bind("patient"), *_NOW]
    care = (DATE.c.key == RESOURCE.c.key, DATE.c.param == CARE)  # what is not dated meets any date
    if "start" in named:
        own.append(not_(exists_row().where(*care, DATE.c.high <= bind("start"))))
    if "end" in named:
        own.append(not_(exists_row().where(*care, DATE.c.low >= bind("end"))))
    target = RESOURCE.alias("target")
    referred = (
        select(target.c.key)
        .select_from(RESOURCE)
        .join(REFERENCE, REFERENCE.c.key == RESOURCE.c.key)
        .join(target, and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id))
        .where(*own, target.c.type.in_(SHARED), *in_force(target, bind("now")))
    )
    all_keys = union(select(RESOURCE.c.key).where(*own), referred).subquery()
    shown_keys = select(RESOURCE.c.key).where(RESOURCE.c.key.in_(all_keys.select())).order_by(RESOURCE.c.key)
    if "types" in named:
        shown_keys = shown_keys.where(RESOURCE.c.type.in_(bind("types", many=True)))
    return shown_keys.where(RESOURCE.c.updated >= bind("since")) if "since" in named else shown_keys


def _size(stored: Stored) -> int:
    return len(stored.body) + 500
