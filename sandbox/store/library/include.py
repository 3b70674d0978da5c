"""`_include` and `_revinclude` over the index of references, once or again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, literal, or_, select, union, union_all

from sandbox.core.cache import bounded
from sandbox.core.limits import INCLUDED_MAX
from sandbox.fhir.library import Stored
from sandbox.fhir.schema.model import PATIENT
from sandbox.fhir.search.include import Include
from sandbox.store.driver import bind
from sandbox.store.library.schema import REFERENCE, RESOURCE, TypeName
from sandbox.store.library.sql import in_force, visible

STATEMENTS = 4 << 20
"""Bytes of statements of each kind that are remembered."""


def _weigh(arguments: tuple[Any, ...], statement: Select[Any]) -> int:
    """What a statement takes: a part that is always there, and one for each rule."""
    rules = arguments[0]
    return 30_000 + 8_000 * (len(rules) if isinstance(rules, tuple) else 1)


Fetch = Callable[..., list[Stored]]
"""Runs a statement that selects the columns of STORED, with the values of its parameters."""

Step = Callable[[Sequence[Stored], Sequence[Include]], Iterable[list[Stored]]]
"""From resources to those that the rules link them with, in parts."""

STORED = select(
    RESOURCE.c.key,
    RESOURCE.c.type,
    RESOURCE.c.id,
    RESOURCE.c.patient,
    RESOURCE.c.body,
    RESOURCE.c.version,
    RESOURCE.c.updated,
)


def follow(
    fetch: Fetch, matches: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None
) -> tuple[Stored, ...]:
    """Return what the matches point to, or what points to them, in key order, without the matches.

    Where that is more than a page takes, some of it is returned, and one more than a page takes.
    """
    compartment = {} if patient is None else {"patient": patient}

    def step(frontier: Sequence[Stored], rules: Sequence[Include]) -> Iterator[list[Stored]]:
        for statement, values in linked(frontier, rules, patient is not None):
            yield fetch(statement, now=now, **values, **compartment)

    return closure(step, matches, includes)


def closure(step: Step, matches: Sequence[Stored], includes: Iterable[Include]) -> tuple[Stored, ...]:
    """Return what `follow` returns, with any step from resources to those linked with them."""
    have = {s.key for s in matches}
    got: dict[int, Stored] = {}
    frontier = list(matches)
    rules = tuple(includes)
    while frontier and rules:
        fresh: dict[int, Stored] = {}
        for resources in step(frontier, rules):
            for stored in resources:
                if stored.key not in have and stored.key not in got:
                    fresh[stored.key] = stored
            if len(got) + len(fresh) > INCLUDED_MAX:
                return tuple((got | fresh).values())
        got |= fresh
        rules = tuple(rule for rule in rules if rule.iterate)
        frontier = list(fresh.values())
    return tuple(got[key] for key in sorted(got))


def linked(
    resources: Sequence[Stored], rules: Sequence[Include], narrowed: bool
) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
    """Yield the statements for what the rules lead to, with their values.

    There is one for each type that has references to follow, and those of `pointing_back`.
    """
    yield from pointing_back(resources, rules, narrowed)
    for ahead in rules_ahead(rules).values():
        keys = [s.key for s in resources if s.type == ahead[0].source]
        if keys:
            yield _pointed_to(ahead, narrowed), {"keys": keys}


def rules_ahead(rules: Sequence[Include]) -> dict[str, tuple[Include, ...]]:
    """The rules that follow references of each type."""
    ahead: dict[str, tuple[Include, ...]] = {}
    for rule in rules:
        if not rule.reverse:
            ahead[rule.source] = (*ahead.get(rule.source, ()), rule)
    return ahead


def pointing_back(
    resources: Sequence[Stored], rules: Sequence[Include], narrowed: bool
) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
    """What points to the resources: one statement for each rule and type that is followed backwards."""
    for rule in rules:
        if not rule.reverse:
            continue
        ids: dict[str, list[str]] = {}
        for stored in resources:
            if rule.target in (None, stored.type):
                ids.setdefault(stored.type, []).append(stored.id)
        for kind, some in ids.items():
            if _by_compartment(rule, kind):
                yield _owned_by(rule, narrowed), {"ids": some}
            else:
                yield _pointing_at(rule, narrowed), {"kind": kind, "ids": some}


def names_ahead(rules: tuple[Include, ...]) -> Select[Any]:
    """Type and id of what resources (`keys`) of one type refer to by these rules, wherever it is."""
    mine = REFERENCE.c.key.in_(bind("keys", many=True))
    names: Select[Any] | CompoundSelect[Any] = select(REFERENCE.c.target_type, REFERENCE.c.target_id).where(
        mine, or_(*(_follows(rule) for rule in rules))
    )
    if any(_by_compartment(rule, rule.target or "Patient") for rule in rules):
        owners = select(literal("Patient", TypeName), RESOURCE.c.patient)
        names = union(
            names, owners.where(RESOURCE.c.key.in_(bind("keys", many=True)), RESOURCE.c.patient.is_not(None))
        )
    return select(names.subquery()).distinct()


def _stored(narrowed: bool) -> Select[Any]:
    shown = STORED.where(*in_force(RESOURCE, bind("now")))
    # Some of them may be matches themselves, or included by another rule already.
    shown = shown.limit(2 * INCLUDED_MAX + 1)
    return shown.where(visible(RESOURCE, bind("patient"))) if narrowed else shown


@bounded(STATEMENTS, _weigh)
def _pointed_to(rules: tuple[Include, ...], narrowed: bool) -> Select[Any]:
    target = RESOURCE.alias()
    source = RESOURCE.alias()
    links = and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
    keys: Select[Any] | CompoundSelect[Any] = (
        select(target.c.key)
        .select_from(REFERENCE)
        .join(target, links)
        .where(REFERENCE.c.key.in_(bind("keys", many=True)), or_(*(_follows(rule) for rule in rules)))
    )
    if any(_by_compartment(rule, rule.target or "Patient") for rule in rules):
        owner = and_(target.c.type == "Patient", target.c.id == source.c.patient)
        owners = select(target.c.key).select_from(source).join(target, owner)
        keys = union_all(keys, owners.where(source.c.key.in_(bind("keys", many=True))))
    return _stored(narrowed).where(RESOURCE.c.key.in_(keys))


def _by_compartment(rule: Include, target: str) -> bool:
    """Whether the resource's row has this link, and not the index of references."""
    return rule.stored == PATIENT and target == "Patient"


def _follows(rule: Include) -> ColumnElement[bool]:
    mine = REFERENCE.c.param == rule.stored
    return and_(mine, REFERENCE.c.target_type == rule.target) if rule.target else mine


@bounded(STATEMENTS, _weigh)
def _owned_by(rule: Include, narrowed: bool) -> Select[Any]:
    return _stored(narrowed).where(
        RESOURCE.c.type == rule.source, RESOURCE.c.patient.in_(bind("ids", many=True))
    )


@bounded(STATEMENTS, _weigh)
def _pointing_at(rule: Include, narrowed: bool) -> Select[Any]:
    source = RESOURCE.alias()
    keys = (
        select(source.c.key)
        .select_from(REFERENCE)
        .join(source, source.c.key == REFERENCE.c.key)
        .where(
            REFERENCE.c.param == rule.stored,
            REFERENCE.c.target_type == bind("kind"),
            REFERENCE.c.target_id.in_(bind("ids", many=True)),
            source.c.type == rule.source,
        )
    )
    return _stored(narrowed).where(RESOURCE.c.key.in_(keys))
