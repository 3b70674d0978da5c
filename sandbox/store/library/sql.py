"""A clause of a search as SQL: the twin of what `fhir` says a search means.

Within a compartment there is one EXISTS for each clause, by the resource's key: a member's resources
are few. Without one (a shared type, a backend service) a clause that names values drives the search
itself, by the index of values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from sandbox.fhir import dates
from sandbox.fhir.schema.model import ANY_ID, LAST_UPDATED, PATIENT
from sandbox.fhir.schema.paths import unindexed
from sandbox.fhir.schema.types import SHARED
from sandbox.fhir.search.clause import Clause
from sandbox.fhir.search.value import Canonical, Elsewhere, Moment, Target, TextValue, TokenValue, Value
from sandbox.store.library.schema import REFERENCE, RESOURCE, ROWS

Condition = ColumnElement[bool]

AFTER_ANY = "\U0010ffff"
"""No text goes on with it: the end of the texts that begin alike."""


@dataclass(frozen=True)
class OtherLayer:
    """What another layer of resources means for the searches of this one.

    `hidden` are keys of this layer whose resources the other one has under the same names. `ids` are, for
    each chain, the ids of the other layer's resources that it may end at.
    """

    hidden: tuple[int, ...] = ()
    ids: Mapping[Clause, tuple[str, ...]] = field(default_factory=dict)


ALONE = OtherLayer()


def in_force(table: FromClause, now: int | BindParameter[Any]) -> tuple[Condition, Condition]:
    """The version that a clock at `now` (milliseconds) shows."""
    return table.c.updated <= now, table.c.until > now


def visible(table: FromClause, patient: str | BindParameter[Any] | None) -> Condition:
    """What a search on behalf of this patient (None: of nobody) may look at."""
    return true() if patient is None else or_(table.c.patient == patient, table.c.type.in_(SHARED))


def condition(
    clause: Clause,
    now: int,
    patient: str | None = None,
    resource: FromClause = RESOURCE,
    other: OtherLayer = ALONE,
) -> Condition:
    """Whether the row of `resource` meets the clause, for a search within the patient's compartment."""
    if clause.param.name == ANY_ID:
        return _by_id(clause, resource)
    if clause.param.name == LAST_UPDATED:
        return _by_update(clause, now, resource)
    if clause.chain:
        return _chained(clause, now, patient, resource, other)
    if clause.param.stored == PATIENT:
        return _by_patient(clause, resource)
    table = ROWS[clause.param.rows].alias()
    mine = table.c.param == clause.param.stored
    if clause.missing is not None:
        params = table.c.param.in_((clause.param.stored, unindexed(clause.param)))
        there = exists().where(table.c.key == resource.c.key, params)
        return not_(there) if clause.missing else there
    driving = patient is None and resource is RESOURCE and clause.is_indexed
    meets = or_(*_tests(table, clause, now, driving))
    if driving:
        driven: Condition = resource.c.key.in_(select(table.c.key).where(mine, meets))
        return driven
    matching = exists().where(table.c.key == resource.c.key, mine, meets)
    return not_(matching) if clause.negated else matching


def _by_id(clause: Clause, resource: FromClause) -> Condition:
    if clause.missing is not None:
        return resource.c.id.is_(None) if clause.missing else resource.c.id.is_not(None)
    ids = [v.code for v in clause.values if isinstance(v, TokenValue) and v.code and not v.system]
    named: Condition = resource.c.id.in_(ids)
    return not_(named) if clause.negated else named


def _by_update(clause: Clause, now: int, resource: FromClause) -> Condition:
    has_time: Condition = resource.c.precision.is_not(None)
    if clause.missing is not None:
        return not_(has_time) if clause.missing else has_time
    low, high = resource.c.updated, resource.c.updated + resource.c.precision
    moments = (value for value in clause.values if isinstance(value, Moment))
    return and_(has_time, or_(false(), *(_date_test(low, high, value, now) for value in moments)))


def _by_patient(clause: Clause, resource: FromClause) -> Condition:
    """By whose compartment it is. What belongs to no patient may still refer to something."""
    row = REFERENCE.alias()
    mine = and_(row.c.key == resource.c.key, row.c.param == clause.param.stored)
    if clause.missing is not None:
        other = and_(row.c.key == resource.c.key, row.c.param == unindexed(clause.param))
        has_patient: Condition = or_(resource.c.patient.is_not(None), exists().where(or_(mine, other)))
        return not_(has_patient) if clause.missing else has_patient
    tests: list[Condition] = []
    for value in clause.values:
        if isinstance(value, Target) and value.type in (None, "Patient"):
            tests.append(resource.c.patient == value.id)
            if clause.param.several:  # what names several patients is in no compartment
                test = and_(row.c.target_type == "Patient", row.c.target_id == value.id)
                tests.append(exists().where(mine, test))
        elif isinstance(value, Target):
            test = and_(row.c.target_type == value.type, row.c.target_id == value.id)
            tests.append(exists().where(mine, test))
    return or_(false(), *tests)


def _chained(
    clause: Clause, now: int, patient: str | None, resource: FromClause, other: OtherLayer
) -> Condition:
    assert clause.chain is not None
    kind, inner = clause.chain
    link, target = REFERENCE.alias(), RESOURCE.alias()
    if clause.param.stored == PATIENT:
        pointed: tuple[Condition, ...] = (target.c.id == resource.c.patient,)
    else:
        pointed = (
            link.c.key == resource.c.key,
            link.c.param == clause.param.stored,
            link.c.target_type == kind,
            target.c.id == link.c.target_id,
        )
    reached = [*in_force(target, now), visible(target, patient), condition(inner, now, patient, target)]
    if other.hidden:
        reached.append(target.c.key.not_in(other.hidden))
    here: Condition = exists().where(*pointed, target.c.type == kind, *reached)
    ids = other.ids.get(clause)
    if not ids:
        return here
    if clause.param.stored == PATIENT:
        return or_(here, resource.c.patient.in_(ids))
    points = REFERENCE.alias()
    mine = (points.c.key == resource.c.key, points.c.param == clause.param.stored)
    return or_(here, exists().where(*mine, points.c.target_type == kind, points.c.target_id.in_(ids)))


def _tests(table: FromClause, clause: Clause, now: int, driving: bool) -> Iterator[Condition]:
    """One test for each value, and one for all codes of a system."""
    codes: dict[str | None, list[str]] = {}
    for value in dict.fromkeys(clause.values):
        if isinstance(value, TokenValue) and value.code is not None:
            codes.setdefault(value.system, []).append(value.code)
        else:
            yield _test(table, clause, value, now, driving)
    for system, listed in codes.items():
        among = _text(table.c.code, driving).in_(listed)
        yield among if system is None else and_(table.c.system == system, among)


def _text(column: ColumnElement[str], driving: bool) -> ColumnElement[str]:
    """Return the column in a form that the index of texts is used for only where it drives the search.

    Where the resource is known its traits are few, while a common text stands in the index many times.
    """
    return column if driving else func.coalesce(column, "")


def _test(table: FromClause, clause: Clause, value: Value, now: int, driving: bool) -> Condition:
    match value:
        case TokenValue(system, _):
            return true() if system is None else table.c.system == system
        case Moment():
            return _date_test(table.c.low, table.c.high, value, now)
        case Target(kind, id):
            kinds = (kind,) if kind else clause.param.targets
            return and_(_text(table.c.target_id, driving) == id, table.c.target_type.in_(kinds))
        case Elsewhere():
            return false()
        case Canonical(url, version):
            canonical = url if version is None else f"{url}|{version}"
            return and_(table.c.value == url, true() if version is None else table.c.written == canonical)
        case TextValue(wanted, mode):
            if mode == "contains":
                return table.c.value.contains(wanted, autoescape=True)
            if mode == "exact":
                return table.c.written == wanted
            return and_(table.c.value >= wanted, table.c.value < wanted + AFTER_ANY)


def _date_test(low: ColumnElement[int], high: ColumnElement[int], value: Moment, now: int) -> Condition:
    """The condition on a date's range that a prefix means (R4 §3.1.1.4.9)."""
    start, end = (value.low, value.high)
    if value.prefix == "ap":
        start, end = dates.widen((start, end), now)
        return and_(low < end, high > start)
    inside = and_(low >= start, high <= end)
    return {
        "eq": inside,
        "ne": not_(inside),
        "gt": high > end,
        "ge": or_(high > end, inside),
        "lt": low < start,
        "le": or_(low < start, inside),
        "sa": low >= end,
        "eb": high <= start,
    }[value.prefix]
