"""The library: `intake` writes it, `SqlLibrary` answers `fhir.library.Library` from it.

Compartment first: a member's search narrows by (patient, type) and then asks one EXISTS per
parameter, which is fast at any population size (three-way joins are not).

A resource may be there in several versions: the tenant's clock decides which of them is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    create_engine,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    true,
    union,
)

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value
from sandbox.core.roster import Account
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Page, Stored
from sandbox.fhir.params import SHARED
from sandbox.fhir.query import AnyOf, Clause, Include, Moment, Query, Target, Text, Token, Value
from sandbox.store.tables import ACCOUNT, HOUSEHOLD, REFERENCE, RESOURCE, ROWS


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
        with self._engine.connect() as db:
            found = db.execute(select(ACCOUNT.c.body).order_by(text("rowid"))).scalars()
            accounts = [Account.from_json(json_value(body)) for body in found]
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
    table = ROWS[clause.param.kind]
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
