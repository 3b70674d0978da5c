"""The order of a search and its pages, by keyset: a page starts after a row, or ends before one.

Nothing is counted off, so a page costs the same wherever it is. What has no value comes last in
either direction; the resource's key, which is the library's order, breaks ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, false, func, literal, or_, select

from sandbox.fhir.schema.model import ANY_ID, LAST_UPDATED, PATIENT
from sandbox.fhir.search.query import Query, Sort
from sandbox.store.library.schema import RESOURCE, ROWS

COLUMNS = {"token": "code", "date": "low", "string": "value", "reference": "literal"}
"""Kind of parameter → what is compared: a period by its start."""


def boundary(where: Sequence[ColumnElement[bool]], query: Query) -> Select[Any]:
    """The row that the page starts after or ends before: what it is sorted by."""
    return select(*_values(query)).where(*where, RESOURCE.c.key == place(query))


def sorted_rows(
    where: Sequence[ColumnElement[bool]], query: Query, values: Sequence[Any] | None
) -> Select[Any]:
    """Return the statement for the key and the sort values of each row of a page, and of one row more.

    The rows are in the direction of travel. `values` are those of the boundary (None: it is the first page).
    """
    rows = select(RESOURCE.c.key, *_values(query)).where(*where).subquery()
    page = select(rows)
    if values is not None:
        page = page.where(_beyond(rows, query, values))
    return page.order_by(*_order(rows, query)).limit(query.count + 1)


def merged(rows: list[Any], query: Query) -> list[Any]:
    """Rows of `sorted_rows` of two layers, in the same order."""
    rows.sort(key=lambda row: row[0], reverse=query.back)
    for number, sort in reversed(list(enumerate(query.sorts, 1))):
        empty = [row for row in rows if row[number] is None]
        filled = sorted(
            (row for row in rows if row[number] is not None),
            key=itemgetter(number),
            reverse=sort.descending != query.back,
        )
        rows = [*empty, *filled] if query.back else [*filled, *empty]
    return rows


def place(query: Query) -> ColumnElement[int]:
    """The key that a page starts after: of a layer with keys that are too large for this one, perhaps."""
    return literal(query.after, BigInteger)


def _values(query: Query) -> list[ColumnElement[Any]]:
    return [_value(sort).label(f"s{number}") for number, sort in enumerate(query.sorts)]


def _value(sort: Sort) -> ColumnElement[Any]:
    """What a resource is sorted by: of several values the one that comes first in the order asked."""
    if sort.param.name == ANY_ID:
        return RESOURCE.c.id
    if sort.param.name == LAST_UPDATED:
        return RESOURCE.c.updated
    table = ROWS[sort.param.rows].alias()
    column: ColumnElement[Any] = table.c[COLUMNS[sort.param.rows]]
    best = func.max(column) if sort.descending else func.min(column)
    mine = (table.c.key == RESOURCE.c.key, table.c.param == sort.param.stored)
    value = select(best).where(*mine).scalar_subquery()
    if sort.param.stored == PATIENT:
        return func.coalesce(literal("Patient/") + RESOURCE.c.patient, value)
    return value


def _order(rows: Subquery, query: Query) -> list[ColumnElement[Any]]:
    order: list[ColumnElement[Any]] = []
    for number, sort in enumerate(query.sorts):
        column = rows.c[f"s{number}"]
        none, down = column.is_(None), sort.descending != query.back
        order += [none.desc() if query.back else none.asc(), column.desc() if down else column.asc()]
    return [*order, rows.c.key.desc() if query.back else rows.c.key.asc()]


def _beyond(rows: Subquery, query: Query, boundary: Sequence[Any]) -> ColumnElement[bool]:
    """The rows after the boundary (before it, going back): further in one key, equal in those above."""
    equal: list[ColumnElement[bool]] = []
    cases: list[ColumnElement[bool]] = []
    for number, (sort, value) in enumerate(zip(query.sorts, boundary, strict=True)):
        column = rows.c[f"s{number}"]
        cases.append(and_(*equal, _further(column, value, sort.descending, query.back)))
        equal.append(column.is_(None) if value is None else column == value)
    key = rows.c.key < place(query) if query.back else rows.c.key > place(query)
    return or_(*cases, and_(*equal, key))


def _further(column: ColumnElement[Any], value: Any, descending: bool, back: bool) -> ColumnElement[bool]:
    if value is None:
        return column.is_not(None) if back else false()
    past = column < value if descending != back else column > value
    return past if back else or_(past, column.is_(None))
