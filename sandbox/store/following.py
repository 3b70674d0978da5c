"""`_include` and `_revinclude` over the index of references, once or again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from sandbox.fhir.includes import Include
from sandbox.fhir.library import Stored
from sandbox.store.conditions import in_force, visible
from sandbox.store.schema import REFERENCE, RESOURCE

STORED = select(RESOURCE.c.key, RESOURCE.c.type, RESOURCE.c.id, RESOURCE.c.patient, RESOURCE.c.body)


def follow(
    db: Connection, found: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None
) -> tuple[Stored, ...]:
    """What the found resources point to, or what points to them, in key order, without themselves."""
    have = {s.key for s in found}
    got: dict[int, Stored] = {}
    frontier = list(found)
    rules = list(includes)
    while frontier and rules:
        fresh: dict[int, Stored] = {}
        for keys in _linked(frontier, rules):
            wanted = STORED.where(RESOURCE.c.key.in_(keys), *in_force(RESOURCE, now))
            for row in db.execute(wanted.where(visible(RESOURCE, patient))):
                stored = Stored(*row)
                if stored.key not in have and stored.key not in got:
                    fresh[stored.key] = stored
        got |= fresh
        rules = [rule for rule in rules if rule.iterate]
        frontier = list(fresh.values())
    return tuple(got[key] for key in sorted(got))


def _linked(found: Sequence[Stored], rules: Sequence[Include]) -> Iterator[Select[tuple[int]]]:
    """The keys that the rules lead to: one question for each type that has references to follow,
    one for each rule that is followed backwards."""
    ahead: dict[str, list[Include]] = {}
    for rule in rules:
        if not rule.reverse:
            ahead.setdefault(rule.source, []).append(rule)
        elif found:
            yield from _pointing_at(found, rule)
    for source, some in ahead.items():
        keys = [s.key for s in found if s.type == source]
        if keys:
            target = RESOURCE.alias()
            links = and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
            asked = or_(*(_follows(rule) for rule in some))
            yield (
                select(target.c.key)
                .select_from(REFERENCE)
                .join(target, links)
                .where(REFERENCE.c.key.in_(keys), asked)
            )


def _follows(rule: Include) -> ColumnElement[bool]:
    mine = REFERENCE.c.param == rule.stored
    return and_(mine, REFERENCE.c.target_type == rule.target) if rule.target else mine


def _pointing_at(found: Sequence[Stored], rule: Include) -> Iterator[Select[tuple[int]]]:
    ids: dict[str, list[str]] = {}
    for stored in found:
        if rule.target in (None, stored.type):
            ids.setdefault(stored.type, []).append(stored.id)
    for kind, some in ids.items():
        source = RESOURCE.alias()
        yield (
            select(source.c.key)
            .select_from(REFERENCE)
            .join(source, source.c.key == REFERENCE.c.key)
            .where(
                REFERENCE.c.param == rule.stored,
                REFERENCE.c.target_type == kind,
                REFERENCE.c.target_id.in_(some),
                source.c.type == rule.source,
            )
        )
