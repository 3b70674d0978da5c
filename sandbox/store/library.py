"""The library: `SqlLibrary` answers `fhir.library.Library` from the file that `intake` wrote.

Compartment first: a member's search narrows by (patient, type) and then asks one EXISTS per
parameter, which is fast at any population size (three-way joins are not).

A resource may be there in several versions. Each is in force from its `lastUpdated` until the next
one's, so the tenant's clock decides what is seen: a claim that is not visible yet, its first version,
or the one after it was replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Select,
    and_,
    create_engine,
    func,
    or_,
    select,
    text,
    union,
)

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value
from sandbox.core.roster import Account
from sandbox.fhir.clauses import AnyOf, Clause
from sandbox.fhir.includes import Include
from sandbox.fhir.library import Everything, Page, Stored
from sandbox.fhir.params import SHARED
from sandbox.fhir.query import Query, Target
from sandbox.store.conditions import condition, in_force
from sandbox.store.following import STORED, follow
from sandbox.store.ordering import sorted_keys
from sandbox.store.schema import ACCOUNT, HOUSEHOLD, REFERENCE, RESOURCE


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
        found = STORED.where(RESOURCE.c.type == kind, RESOURCE.c.id == id, *in_force(RESOURCE, now))
        with self._engine.connect() as db:
            row = db.execute(found).first()
        return Stored(*row) if row else None

    def search(self, query: Query, now: int) -> Page:
        where: list[ColumnElement[bool]] = [RESOURCE.c.type == query.type, *in_force(RESOURCE, now)]
        if query.patient is not None:
            where.append(RESOURCE.c.patient == query.patient)
        where += [condition(c, now, query.patient) for c in query.clauses if not _granted(c, query.patient)]
        if query.any_of:
            where.append(_one_of(query.any_of, now, query.patient))
        with self._engine.connect() as db:
            total = None if query.untold else _count(db, where)
            if query.summary_only:
                return Page((), total=total)
            if not query.sorts:
                return _page(db, STORED.where(*where), query, total)
            keys, more = sorted_keys(db, where, query)
            rows = db.execute(STORED.where(RESOURCE.c.key.in_(keys)))
            by_key = {row[0]: Stored(*row) for row in rows}
            return _shown([by_key[key] for key in keys], query.back, more, total)

    def include(
        self, found: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None = None
    ) -> tuple[Stored, ...]:
        with self._engine.connect() as db:
            return follow(db, found, includes, now, patient)

    def everything(self, asked: Everything, now: int) -> Page:
        own: list[ColumnElement[bool]] = [RESOURCE.c.patient == asked.patient, *in_force(RESOURCE, now)]
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
            .where(*own, target.c.type.in_(SHARED), *in_force(target, now))
        )
        where: list[ColumnElement[bool]] = [
            RESOURCE.c.key.in_(union(mine, referred).subquery().select()),
        ]
        if asked.types:
            where.append(RESOURCE.c.type.in_(asked.types))
        if asked.since is not None:
            where.append(RESOURCE.c.updated >= asked.since)
        for kind, part in asked.limits:
            where.append(or_(RESOURCE.c.type != kind, _one_of(part, now, asked.patient)))
        with self._engine.connect() as db:
            return _page(db, STORED.where(*where), asked, _count(db, where))


def _one_of(any_of: AnyOf, now: int, patient: str | None) -> ColumnElement[bool]:
    return or_(*(and_(*(condition(clause, now, patient) for clause in clauses)) for clauses in any_of))


def _granted(clause: Clause, patient: str | None) -> bool:
    """Whether the compartment says it already: `patient=` the one whose compartment it is."""
    return clause.param.stored == "patient" and any(
        isinstance(value, Target) and value.id == patient for value in clause.values
    )


def _count(db: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    return db.execute(select(func.count()).select_from(RESOURCE).where(*where)).scalar_one()


def _page(db: Connection, found: Select[Any], asked: Query | Everything, total: int | None) -> Page:
    """A page in the library's order. One row more than asked tells whether there is another."""
    key = RESOURCE.c.key
    if asked.back:
        found = found.where(key < asked.after).order_by(key.desc())
    else:
        found = found.where(key > asked.after).order_by(key)
    rows = [Stored(*row) for row in db.execute(found.limit(asked.count + 1))]
    shown = rows[: asked.count]
    return _shown(shown[::-1] if asked.back else shown, asked.back, len(rows) > asked.count, total)


def _shown(rows: Sequence[Stored], back: bool, beyond: bool, total: int | None) -> Page:
    """Who went back came from a next page."""
    first, last = (rows[0].key, rows[-1].key) if rows else (0, 0)
    return Page(tuple(rows), total=total, more=back or beyond, last=last, first=first)
