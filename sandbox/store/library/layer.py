"""What a library asks each of its layers: keys of what meets a condition, one statement each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, false, func, not_, or_, select
from sqlalchemy import exists as exists_row

from sandbox.core.errors import Gone
from sandbox.fhir.library import Everything, Page, Stored
from sandbox.fhir.schema.model import PATIENT
from sandbox.fhir.schema.paths import CARE
from sandbox.fhir.schema.types import SHARED
from sandbox.fhir.search.clause import AnyOf, Clause
from sandbox.fhir.search.query import Query
from sandbox.fhir.search.value import Target
from sandbox.store.library.schema import DATE, REFERENCE, RESOURCE
from sandbox.store.library.sort import boundary, merged, place, sorted_rows
from sandbox.store.library.sql import ALONE, OtherLayer, condition, in_force, visible

FIRST_KEY = 1 << 40
"""Keys of written resources are above it, those of libraries below: the order of a search."""

Names = Iterable[tuple[str, str]]
"""Types and ids."""


class Layer:
    """A database with the tables of a library. Keys come back in order."""

    def execute(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Any]:
        """The rows of a statement."""
        raise NotImplementedError

    def these(self, keys: Sequence[int]) -> list[Stored]:
        """The resources of some keys, in their order."""
        raise NotImplementedError

    def where(self, query: Query, now: int, other: OtherLayer = ALONE) -> list[ColumnElement[bool]]:
        """The conditions that the matches of a search meet."""
        patient = query.patient
        where = [RESOURCE.c.type == query.type, *in_force(RESOURCE, now), *_shown(other)]
        if patient is not None:
            where.append(RESOURCE.c.patient == patient)
        for clause in query.clauses:
            if not is_granted(clause, patient):
                where.append(condition(clause, now, patient, other=other))
        if query.any_of:
            where.append(any_of_them(query.any_of, now, patient, other))
        return where

    def keys(self, where: Sequence[ColumnElement[bool]], query: Query, count: int) -> list[int]:
        """The keys after the place of a page, or, going back, the last ones before it."""
        key = RESOURCE.c.key
        beyond, order = (key < place(query), key.desc()) if query.back else (key > place(query), key.asc())
        rows = self.execute(select(key).where(*where, beyond).order_by(order).limit(count))
        keys = [key for (key,) in rows]
        return keys[::-1] if query.back else keys

    def ends(self, kind: str, clause: Clause) -> list[str]:
        """The ids that a chain leads to from resources of a type, wherever they are."""
        assert clause.chain is not None
        if clause.param.stored == PATIENT:
            ids = select(RESOURCE.c.patient).where(RESOURCE.c.type == kind, RESOURCE.c.patient.is_not(None))
        else:
            link = and_(REFERENCE.c.key == RESOURCE.c.key, REFERENCE.c.param == clause.param.stored)
            target = REFERENCE.c.target_type == clause.chain[0]
            ids = select(REFERENCE.c.target_id).join(RESOURCE, link).where(RESOURCE.c.type == kind, target)
        return [id for (id,) in self.execute(ids.distinct())]

    def ids(
        self,
        clause: Clause,
        now: int,
        patient: str | None,
        other: OtherLayer = ALONE,
        among: Sequence[str] | None = None,
    ) -> tuple[str, ...]:
        """The ids at which a chain may end here; `among` some ids only."""
        assert clause.chain is not None
        kind, inner = clause.chain
        where = [RESOURCE.c.type == kind, *in_force(RESOURCE, now), visible(RESOURCE, patient)]
        where += [*_shown(other), condition(inner, now, patient)]
        if among is not None:
            where.append(RESOURCE.c.id.in_(among))
        return tuple(id for (id,) in self.execute(select(RESOURCE.c.id).where(*where)))

    def find(self, names: Names, now: int, patient: str | None, other: OtherLayer = ALONE) -> list[int]:
        """The keys of resources by their names, as far as the patient may see them."""
        ids: dict[str, list[str]] = {}
        for kind, id in names:
            ids.setdefault(kind, []).append(id)
        if not ids:
            return []
        of_these = or_(
            false(), *(and_(RESOURCE.c.type == kind, RESOURCE.c.id.in_(some)) for kind, some in ids.items())
        )
        where = [*in_force(RESOURCE, now), visible(RESOURCE, patient), *_shown(other)]
        return sorted(key for (key,) in self.execute(select(RESOURCE.c.key).where(of_these, *where)))

    def own(self, query: Everything, now: int, other: OtherLayer = ALONE) -> list[int]:
        """The keys of what is in the compartment, by the dates of care."""
        own = [RESOURCE.c.patient == query.patient, *in_force(RESOURCE, now), *_shown(other)]
        care = (DATE.c.key == RESOURCE.c.key, DATE.c.param == CARE)  # what is not dated meets any date
        if query.start is not None:
            own.append(not_(exists_row().where(*care, DATE.c.high <= query.start)))
        if query.end is not None:
            own.append(not_(exists_row().where(*care, DATE.c.low >= query.end)))
        return [key for (key,) in self.execute(select(RESOURCE.c.key).where(*own))]

    def shared_names(self, keys: Sequence[int]) -> set[tuple[str, str]]:
        """The names of shared resources that some resources refer to, wherever they are."""
        if not keys:
            return set()
        mine = REFERENCE.c.key.in_(keys), REFERENCE.c.target_type.in_(SHARED)
        names = select(REFERENCE.c.target_type, REFERENCE.c.target_id).where(*mine).distinct()
        return {(kind, id) for kind, id in self.execute(names)}

    def within(self, keys: Sequence[int], query: Everything, now: int, other: OtherLayer) -> list[int]:
        """Those of the keys that `$everything` shows by types, update time and limits."""
        if not keys:
            return []
        where: list[ColumnElement[bool]] = [RESOURCE.c.key.in_(keys)]
        if query.types:
            where.append(RESOURCE.c.type.in_(query.types))
        if query.since is not None:
            where.append(RESOURCE.c.updated >= query.since)
        for kind, part in query.limits:
            where.append(or_(RESOURCE.c.type != kind, any_of_them(part, now, query.patient, other)))
        return sorted(key for (key,) in self.execute(select(RESOURCE.c.key).where(*where)))


Layers = Sequence[tuple[Layer, list[ColumnElement[bool]]]]
"""The layers of a library in the order of their keys, each with what the matches of a search meet in it."""


def search_layers(layers: Layers, query: Query, these: Callable[[Sequence[int]], list[Stored]]) -> Page:
    """A page of a search. `these` returns the resources of some keys."""
    total = None
    if not query.untold:
        counted = select(func.count()).select_from(RESOURCE)
        total = sum(int(layer.execute(counted.where(*where))[0][0]) for layer, where in layers)
    if query.summary_only:
        return Page((), total=total)
    keys = _sorted_keys(layers, query) if query.sorts else _keys(layers, query)
    more = len(keys) > query.count
    keys = keys[-query.count :] if query.back else keys[: query.count]
    return build_page(these(keys), query.back, more, total)


def _keys(layers: Layers, query: Query) -> list[int]:
    """The keys of a page in the order of the layers, and one more if there is one."""
    keys: list[int] = []
    for layer, where in reversed(layers) if query.back else layers:
        lacking = query.count + 1 - len(keys)
        if lacking:
            more = layer.keys(where, query, lacking)
            keys = [*more, *keys] if query.back else [*keys, *more]
    return keys


def _sorted_keys(layers: Layers, query: Query) -> list[int]:
    """The keys of a page in the order that is asked for, and one more if there is one."""
    values: Sequence[Any] | None = None
    if query.after:
        layer, where = layers[-1] if query.after >= FIRST_KEY else layers[0]
        values = next(iter(layer.execute(boundary(where, query))), None)
        if values is None:
            text = "The resource before this page is gone. Start the search again."
            raise Gone(text, cause="page-expired", code="expired")
    rows = [row for layer, where in layers for row in layer.execute(sorted_rows(where, query, values))]
    if len(layers) > 1:
        rows = merged(rows, query)[: query.count + 1]
    keys = [row[0] for row in rows]
    return keys[::-1] if query.back else keys


def _shown(other: OtherLayer) -> list[ColumnElement[bool]]:
    return [RESOURCE.c.key.not_in(other.hidden)] if other.hidden else []


def any_of_them(
    any_of: AnyOf, now: int, patient: str | None, other: OtherLayer = ALONE
) -> ColumnElement[bool]:
    """That one list of clauses is met."""
    return or_(
        *(and_(*(condition(clause, now, patient, other=other) for clause in clauses)) for clauses in any_of)
    )


def is_granted(clause: Clause, patient: str | None) -> bool:
    """Whether the compartment says it already: `patient=` the one whose compartment it is."""
    return clause.param.stored == PATIENT and any(
        isinstance(value, Target) and value.id == patient for value in clause.values
    )


def page_of(
    these: Callable[[Sequence[int]], list[Stored]], keys: Sequence[Any], query: Query | Everything
) -> Page:
    """A page of all keys, which are in order."""
    if query.back:
        end = bisect_left(keys, query.after)
        wanted = keys[max(0, end - query.count) : end]
        beyond = end > query.count
    else:
        start = bisect_right(keys, query.after)
        wanted = keys[start : start + query.count]
        beyond = start + query.count < len(keys)
    return build_page(these(wanted), query.back, beyond, len(keys))


def build_page(rows: Sequence[Stored], back: bool, beyond: bool, total: int | None) -> Page:
    """A page of these rows; `beyond` says that there are more in the direction of travel."""
    first, last = (rows[0].key, rows[-1].key) if rows else (0, 0)
    # Who went back came from a next page.
    return Page(tuple(rows), total=total, more=back or beyond, last=last, first=first)
