"""The library: `build` writes it, `SqlLibrary` answers `fhir.library.Library` from it.

Compartment first: a member's search narrows by (patient, type) and then asks one EXISTS per
parameter, which is fast at any population size (three-way joins are not).

A resource may be there in several versions. Each is in force from its `lastUpdated` until the next
one's, so the tenant's clock decides what is seen: a claim that is not visible yet, its first version,
or the one after it was replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    and_,
    create_engine,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    text,
    true,
    union,
    update,
)
from sqlalchemy.exc import OperationalError

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes
from sandbox.core.roster import Account
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Page, Stored
from sandbox.fhir.params import SHARED, TYPES, care_range, extract, owner
from sandbox.fhir.query import AnyOf, Clause, Include, Moment, Query, Target, Text, Token, Value
from sandbox.store.households import Households

_META = MetaData()

RESOURCE = Table(
    "resource",
    _META,
    Column("key", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
    Column("patient", String),
    Column("version", String, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("until", Integer, nullable=False, default=dates.FOREVER),
    Column("care_low", Integer),
    Column("care_high", Integer),
    Column("body", LargeBinary, nullable=False),
    Index("resource_id", "type", "id", "version", unique=True),
    Index("resource_patient", "patient", "type", "key"),
)


def _index(name: str, a: Column[Any], b: Column[Any]) -> Table:
    return Table(
        name,
        _META,
        Column("key", Integer, nullable=False),
        Column("param", String, nullable=False),
        a,
        b,
        Index(f"{name}_key", "key", "param"),
        Index(f"{name}_value", "param", b.name if name in ("token", "reference") else a.name),
    )


TOKEN = _index("token", Column("system", String), Column("code", String))
DATE = _index("date", Column("low", Integer), Column("high", Integer))
REFERENCE = _index("reference", Column("target_type", String), Column("target_id", String))
STRING = _index("string", Column("value", String), Column("written", String))
ACCOUNT = Table("account", _META, Column("username", String, primary_key=True), Column("body", LargeBinary))
HOUSEHOLD = Table(
    "household",
    _META,
    Column("subscriber", String, primary_key=True),
    Column("dependant", String, primary_key=True),
    Column("related", String, nullable=False),
)

_ROWS = {"token": TOKEN, "date": DATE, "reference": REFERENCE, "string": STRING}


def build(path: Path, contents: Iterable[tuple[Account | None, Sequence[dict[str, Any]]]]) -> int:
    """Write a library of these members to `path`, whole or not at all. Returns the resource count.

    Shared resources are put last, so that `$everything` and paging start with the patient.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    engine = create_engine(URL.create("sqlite", database=str(part)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with engine.begin() as db:
            _META.create_all(db)
            count = _fill(db, contents)
            _close_versions(db)
            _find_owners(db)
            db.execute(text("ANALYZE"))
        engine.dispose()
        part.replace(path)
    except (OSError, OperationalError) as problem:
        raise FileProblem(f"{path}: cannot be written ({problem})".splitlines()[0]) from None
    finally:
        engine.dispose()
        with suppress(OSError):
            part.unlink()
    return count


def _fill(db: Connection, contents: Iterable[tuple[Account | None, Sequence[dict[str, Any]]]]) -> int:
    shared: list[dict[str, Any]] = []
    households = Households()
    key = 0
    for account, resources in contents:
        if account:
            db.execute(insert(ACCOUNT), {"username": account.username, "body": json_bytes(account.to_json())})
        households.note(resources)
        own = [r for r in resources if r["resourceType"] not in SHARED]
        shared += [r for r in resources if r["resourceType"] in SHARED]
        key = _write(db, key, own)
    if rows := list(households.rows()):
        db.execute(insert(HOUSEHOLD).prefix_with("OR IGNORE"), rows)
    return _write(db, key, shared)


def _close_versions(db: Connection) -> None:
    """A version is in force until the next one of the same resource."""
    later = RESOURCE.alias("later")
    same = and_(later.c.type == RESOURCE.c.type, later.c.id == RESOURCE.c.id)
    following = select(func.min(later.c.updated)).where(same, later.c.updated > RESOURCE.c.updated)
    replaced = exists().where(same, later.c.updated > RESOURCE.c.updated)
    db.execute(update(RESOURCE).where(replaced).values(until=following.scalar_subquery()))


def _find_owners(db: Connection) -> None:
    """A resource that does not name its patient belongs to the patient of what it points to."""
    target = RESOURCE.alias("target")
    for kind in TYPES.values():
        if kind.owned_through:
            link = and_(REFERENCE.c.key == RESOURCE.c.key, REFERENCE.c.param == kind.owned_through)
            found = and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
            patient = (
                select(func.min(target.c.patient)).select_from(REFERENCE).join(target, found).where(link)
            )
            mine = RESOURCE.c.type == kind.name
            db.execute(update(RESOURCE).where(mine).values(patient=patient.scalar_subquery()))


def _write(db: Connection, key: int, resources: Sequence[dict[str, Any]]) -> int:
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _ROWS}
    stored = []
    for resource in resources:
        key += 1
        care = care_range(resource)
        meta = resource.get("meta", {})
        stored.append(
            {
                "key": key,
                "type": resource["resourceType"],
                "id": resource["id"],
                "patient": owner(resource),
                "version": str(meta.get("versionId", "1")),
                "updated": dates.parse(meta.get("lastUpdated", "1970-01-01"))[0],
                "care_low": care[0] if care else None,
                "care_high": care[1] if care else None,
                "body": json_bytes(resource),
            }
        )
        for row in extract(resource):
            _, _, a, b = _ROWS[row.kind].columns
            rows[row.kind].append({"key": key, "param": row.param, a.name: row.a, b.name: row.b})
    if stored:
        db.execute(insert(RESOURCE), stored)
    for kind, found in rows.items():
        if found:
            db.execute(insert(_ROWS[kind]), found)
    return key


class SqlLibrary:
    """A library file, opened read-only. Safe to share between threads; open it after forking."""

    def __init__(self, path: Path):
        if not path.is_file():
            raise FileProblem(f"{path}: no such library")
        readonly = {"mode": "ro", "immutable": "1", "uri": "true"}
        url = URL.create("sqlite", database=f"file:{quote(str(path))}", query=readonly)
        self._engine = create_engine(url)

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are the parent's."""
        self._engine.dispose(close=False)

    def accounts(self) -> dict[str, Account]:
        """Every login, by username, in the order they were generated."""
        import orjson

        with self._engine.connect() as db:
            found = db.execute(select(ACCOUNT.c.body).order_by(text("rowid"))).scalars()
            accounts = [Account.from_json(orjson.loads(body)) for body in found]
        return {account.username: account for account in accounts}

    def household(self, patient: str) -> list[tuple[str, str]]:
        """Who is on this patient's policies: id of the Patient, and of the RelatedPerson that the
        subscriber is to them, in the order they came in."""
        query = select(HOUSEHOLD.c.dependant, HOUSEHOLD.c.related).where(HOUSEHOLD.c.subscriber == patient)
        with self._engine.connect() as db:
            return [(dependant, related) for dependant, related in db.execute(query.order_by(text("rowid")))]

    def read(self, kind: str, id: str, now: int) -> Stored | None:
        found = _STORED.where(RESOURCE.c.type == kind, RESOURCE.c.id == id, *_in_force(RESOURCE, now))
        with self._engine.connect() as db:
            row = db.execute(found).first()
        return _stored(row) if row else None

    def search(self, query: Query, now: int) -> Page:
        where: list[ColumnElement[bool]] = [RESOURCE.c.type == query.type, *_in_force(RESOURCE, now)]
        if query.patient is not None:
            where.append(RESOURCE.c.patient == query.patient)
        where += [_condition(clause, now) for clause in query.clauses]
        if query.any_of:
            where.append(_one_of(query.any_of, now))
        with self._engine.connect() as db:
            total = db.execute(select(func.count()).select_from(RESOURCE).where(*where)).scalar_one()
            if query.summary_only:
                return Page((), total=total)
            return _page(db, _STORED.where(*where, RESOURCE.c.key > query.after), query.count, total)

    def include(self, found: Sequence[Stored], includes: Iterable[Include], now: int) -> tuple[Stored, ...]:
        have = {s.key for s in found}
        got: dict[int, Stored] = {}
        frontier = list(found)
        rules = list(includes)
        with self._engine.connect() as db:
            while frontier:
                fresh = [
                    s for s in _pointed_at(db, frontier, rules, now) if s.key not in have and s.key not in got
                ]
                got.update((s.key, s) for s in fresh)
                rules = [rule for rule in rules if rule.iterate]
                frontier = fresh if rules else []
        return tuple(got[key] for key in sorted(got))

    def everything(self, asked: Everything, now: int) -> Page:
        own: list[ColumnElement[bool]] = [RESOURCE.c.patient == asked.patient, *_in_force(RESOURCE, now)]
        if asked.start is not None:
            own.append(or_(RESOURCE.c.care_high.is_(None), RESOURCE.c.care_high > asked.start))
        if asked.end is not None:
            own.append(or_(RESOURCE.c.care_low.is_(None), RESOURCE.c.care_low < asked.end))
        mine = select(RESOURCE.c.key).where(*own)
        target = RESOURCE.alias("target")
        referred = (
            select(target.c.key)
            .select_from(RESOURCE)
            .join(REFERENCE, REFERENCE.c.key == RESOURCE.c.key)
            .join(
                target, and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
            )
            .where(*own, target.c.type.in_(SHARED), *_in_force(target, now))
        )
        where: list[ColumnElement[bool]] = [
            RESOURCE.c.key.in_(union(mine, referred).subquery().select()),
        ]
        if asked.types:
            where.append(RESOURCE.c.type.in_(asked.types))
        if asked.since is not None:
            where.append(RESOURCE.c.updated >= asked.since)
        where += [or_(RESOURCE.c.type != kind, _one_of(part, now)) for kind, part in asked.limits]
        with self._engine.connect() as db:
            total = db.execute(select(func.count()).select_from(RESOURCE).where(*where)).scalar_one()
            return _page(db, _STORED.where(*where, RESOURCE.c.key > asked.after), asked.count, total)


_STORED = select(RESOURCE.c.key, RESOURCE.c.type, RESOURCE.c.id, RESOURCE.c.patient, RESOURCE.c.body)


def _in_force(table: FromClause, now: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The version that a clock at `now` (milliseconds) shows."""
    return table.c.updated <= now, table.c.until > now


def _stored(row: Sequence[Any]) -> Stored:
    return Stored(*row)


def _page(db: Connection, found: Select[Any], count: int, total: int) -> Page:
    """One row more than asked tells whether there is a next page."""
    rows = [_stored(r) for r in db.execute(found.order_by(RESOURCE.c.key).limit(count + 1))]
    shown = tuple(rows[:count])
    return Page(shown, total=total, more=len(rows) > count, last=shown[-1].key if shown else 0)


def _pointed_at(
    db: Connection, found: Sequence[Stored], rules: Sequence[Include], now: int
) -> Iterator[Stored]:
    for rule in rules:
        keys = [s.key for s in found if s.type == rule.source]
        if not keys:
            continue
        links = and_(RESOURCE.c.type == REFERENCE.c.target_type, RESOURCE.c.id == REFERENCE.c.target_id)
        wanted = (
            _STORED.join(REFERENCE, links)
            .where(REFERENCE.c.key.in_(keys), REFERENCE.c.param == rule.param, *_in_force(RESOURCE, now))
            .distinct()
        )
        if rule.target:
            wanted = wanted.where(REFERENCE.c.target_type == rule.target)
        for row in db.execute(wanted):
            yield _stored(row)


def _one_of(any_of: AnyOf, now: int) -> ColumnElement[bool]:
    return or_(*(and_(*(_condition(clause, now) for clause in clauses)) for clauses in any_of))


def _condition(clause: Clause, now: int) -> ColumnElement[bool]:
    table = _ROWS[clause.param.kind]
    same = and_(table.c.key == RESOURCE.c.key, table.c.param == clause.param.name)
    return exists().where(same, or_(*(_test(table, clause, value, now) for value in clause.values)))


def _test(table: Table, clause: Clause, value: Value, now: int) -> ColumnElement[bool]:
    match value:
        case Token(system, code):
            asked = [(table.c.system, system), (table.c.code, code)]
            return and_(true(), *(column == wanted for column, wanted in asked if wanted is not None))
        case Moment():
            return _date_test(table, value, now)
        case Target(kind, id):
            kinds = (kind,) if kind else clause.param.targets
            return and_(table.c.target_id == id, table.c.target_type.in_(kinds))
        case Text(wanted, mode):
            if mode == "contains":
                return table.c.value.contains(wanted, autoescape=True)
            if mode == "exact":
                return table.c.written == wanted
            return table.c.value.startswith(wanted, autoescape=True)


def _date_test(table: Table, value: Moment, now: int) -> ColumnElement[bool]:
    """The SQL twin of `dates.holds`."""
    start, end = (value.low, value.high)
    if value.prefix == "ap":
        start, end = dates.widen((start, end), now)
        return and_(table.c.low < end, table.c.high > start)
    inside = and_(table.c.low >= start, table.c.high <= end)
    return {
        "eq": inside,
        "ne": not_(inside),
        "gt": table.c.high > end,
        "ge": or_(table.c.high > end, inside),
        "lt": table.c.low < start,
        "le": or_(table.c.low < start, inside),
        "sa": table.c.low >= end,
        "eb": table.c.high <= start,
    }[value.prefix]
