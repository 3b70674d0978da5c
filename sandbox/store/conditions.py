"""A clause of a search as SQL: the twin of what `fhir` says a search means.

Within a compartment there is one EXISTS for each clause, by the resource's key: a member's resources
are few. Without one (a shared type, a backend service) a clause that names values drives the search
itself, by the index of values.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, exists, false, not_, or_, select, true

from sandbox.fhir import dates
from sandbox.fhir.clauses import Clause
from sandbox.fhir.params import SHARED, unindexed
from sandbox.fhir.table import ANY_ID
from sandbox.fhir.values import Canonical, Elsewhere, Moment, Target, Text, Token, Value
from sandbox.store.schema import REFERENCE, RESOURCE, ROWS

Condition = ColumnElement[bool]

AFTER_ANY = "\U0010ffff"
"""No text goes on with it: the end of the texts that begin alike."""


def in_force(table: FromClause, now: int | BindParameter[Any]) -> tuple[Condition, Condition]:
    """The version that a clock at `now` (milliseconds) shows."""
    return table.c.updated <= now, table.c.until > now


def visible(table: FromClause, patient: str | BindParameter[Any] | None) -> Condition:
    """What a search on behalf of this patient (None: of nobody) may look at."""
    return true() if patient is None else or_(table.c.patient == patient, table.c.type.in_(SHARED))


def condition(
    clause: Clause, now: int, patient: str | None = None, resource: FromClause = RESOURCE
) -> Condition:
    """Whether the row of `resource` meets the clause, for a search within the patient's compartment."""
    if clause.param.name == ANY_ID:
        return _by_id(clause, resource)
    if clause.chain:
        return _chained(clause, now, patient, resource)
    table = ROWS[clause.param.rows].alias()
    mine = table.c.param == clause.param.stored
    if clause.missing is not None:
        known = table.c.param.in_((clause.param.stored, unindexed(clause.param)))
        there = exists().where(table.c.key == resource.c.key, known)
        return not_(there) if clause.missing else there
    meets = or_(*(_test(table, clause, value, now) for value in clause.values))
    if patient is None and resource is RESOURCE and _drives(clause):
        driven: Condition = resource.c.key.in_(select(table.c.key).where(mine, meets))
        return driven
    found = exists().where(table.c.key == resource.c.key, mine, meets)
    return not_(found) if clause.negated else found


def _drives(clause: Clause) -> bool:
    """Whether the index of values finds the few resources it asks for."""
    return not clause.negated and all(
        isinstance(value, Target | Elsewhere | Canonical)
        or (isinstance(value, Token) and value.code is not None)
        or (isinstance(value, Text) and value.mode == "prefix")
        for value in clause.values
    )


def _by_id(clause: Clause, resource: FromClause) -> Condition:
    if clause.missing is not None:
        return resource.c.id.is_(None) if clause.missing else resource.c.id.is_not(None)
    ids = [v.code for v in clause.values if isinstance(v, Token) and v.code and not v.system]
    named: Condition = resource.c.id.in_(ids)
    return not_(named) if clause.negated else named


def _chained(clause: Clause, now: int, patient: str | None, resource: FromClause) -> Condition:
    assert clause.chain is not None
    kind, inner = clause.chain
    link, target = REFERENCE.alias(), RESOURCE.alias()
    pointed = (
        link.c.param == clause.param.stored,
        link.c.target_type == kind,
        target.c.type == kind,
        target.c.id == link.c.target_id,
        *in_force(target, now),
        visible(target, patient),
        condition(inner, now, patient, target),
    )
    return exists().where(link.c.key == resource.c.key, *pointed)


def _test(table: FromClause, clause: Clause, value: Value, now: int) -> Condition:
    match value:
        case Token(system, code):
            asked = [(table.c.system, system), (table.c.code, code)]
            return and_(true(), *(column == wanted for column, wanted in asked if wanted is not None))
        case Moment():
            return _date_test(table, value, now)
        case Target(kind, id):
            kinds = (kind,) if kind else clause.param.targets
            return and_(table.c.target_id == id, table.c.target_type.in_(kinds))
        case Elsewhere():
            return false()
        case Canonical(url, version):
            whole = url if version is None else f"{url}|{version}"
            return and_(table.c.value == url, true() if version is None else table.c.written == whole)
        case Text(wanted, mode):
            if mode == "contains":
                return table.c.value.contains(wanted, autoescape=True)
            if mode == "exact":
                return table.c.written == wanted
            return and_(table.c.value >= wanted, table.c.value < wanted + AFTER_ANY)


def _date_test(table: FromClause, value: Moment, now: int) -> Condition:
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
