"""read, search, `$everything` over a Library. Owns the QUERY, RESOURCE and BUNDLE gates.

Nothing is parsed unless the RESOURCE gate is armed: the hot path serves stored bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NoReturn

from sandbox.core.errors import Gone, bad_request, forbidden, not_found
from sandbox.core.files import json_bytes, json_exact
from sandbox.core.gates import Facts, Gates, Stage
from sandbox.core.limits import INCLUDED_MAX, PAGE_BYTES_MAX, check_search, too_costly
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Library, Page, Stored
from sandbox.fhir.schema.paths import KNOWN, SHARED, TYPES, find
from sandbox.fhir.search.clause import AnyOf, Clause
from sandbox.fhir.search.query import Query, parse
from sandbox.fhir.search.value import TokenValue
from sandbox.fhir.subset import subset

Resource = dict[str, Any]
Limits = Mapping[str, AnyOf]
"""Of each type of which a token reaches a part only (granular scopes): what that part must meet."""

WHOLE = 1_000_000
"""More resources than any patient has."""

_NO_LIMITS: Limits = MappingProxyType({})


def read(
    library: Library,
    kind: str,
    id: str,
    patient: str | None,
    now: int,
    gates: Gates,
    facts: Facts,
    *,
    limit: AnyOf = (),
    tell_foreign: bool = False,
) -> Stored:
    """One resource that is `within_reach`, as it is shown."""
    stored = within_reach(library, kind, id, patient, now, limit=limit, tell_foreign=tell_foreign)
    return shown((stored,), gates, facts)[0]


def within_reach(
    library: Library,
    kind: str,
    id: str,
    patient: str | None,
    now: int,
    *,
    limit: AnyOf = (),
    tell_foreign: bool = False,
) -> Stored:
    """One resource at rest. Raises NotFound for an unknown type or id, and for another member's
    resource (whether it exists is nobody else's business) unless the payer likes to `tell_foreign`;
    Forbidden for one outside the `limit` of the token's scopes; Gone for one that was deleted, if it was
    within reach before."""
    if kind not in KNOWN:
        not_found(f"This payer holds no {kind}", "not-supported")
    stored = library.read(kind, id, now)
    if stored is None:
        _no_more(library, kind, id, patient, now, limit)
    if not visible(stored, patient):
        if tell_foreign and stored.patient is not None:
            forbidden("This token is for another patient")
        _absent(kind)
    if limit and not part(library, [stored], {kind: limit}, now):
        scope = f"{'system' if patient is None else 'patient'}/{kind}.r"
        forbidden("The scopes of this token do not reach this resource", scope=scope)
    return stored


def _no_more(library: Library, kind: str, id: str, patient: str | None, now: int, limit: AnyOf) -> NoReturn:
    """Nothing is in force: there was something that this token reached, or there is nothing to tell."""
    for last in library.versions(kind, id, now)[:1]:
        if visible(last, patient) and (not limit or part(library, [last], {kind: limit}, last.updated)):
            raise Gone(f"This {kind} was deleted")
    _absent(kind)


def search(
    library: Library,
    query: Query,
    patient: str | None,
    readable: frozenset[str],
    now: int,
    gates: Gates,
    facts: Facts,
    *,
    limits: Limits = _NO_LIMITS,
    refuse_foreign: bool = True,
) -> Page:
    """One page of a search within the patient's compartment. `readable` are the types that the
    token reaches: included resources of other types, or outside the `limits` of theirs, are left out
    and told (SMART-033)."""
    if patient is None:
        query.check_breadth()
    query = gates.run(Stage.QUERY, query.within(patient, refuse=refuse_foreign), facts)
    _reachable(query, readable, limits)
    page = library.search(query, now).fit(PAGE_BYTES_MAX, query.back)
    if query.untold:
        page = replace(page, total=None)
    if query.includes and page.matches:
        included = library.include(page.matches, query.includes, now, patient)
        if len(included) > INCLUDED_MAX:
            name = "_revinclude" if any(rule.reverse for rule in query.includes) else "_include"
            text = f"A page takes at most {INCLUDED_MAX} included resources: ask for fewer matches (_count)"
            raise too_costly(text, name)
        mine = [s for s in included if visible(s, patient)]
        reached = part(library, [s for s in mine if s.type in readable], limits, now)
        page = replace(page, included=reached)
        if len(reached) < len(mine):
            kept = {s.key for s in reached}
            page = replace(page, withheld=tuple(sorted({s.type for s in mine if s.key not in kept})))
    return _page(page, gates, facts, query.elements)


def _reachable(query: Query, readable: frozenset[str], limits: Limits) -> None:
    """A chain tells of the resource it looks into: the token must reach all of its type."""
    for clause in query.clauses:
        kind = clause.chain[0] if clause.chain else None
        if kind is not None and (kind not in readable or kind in limits):
            forbidden(f"This needs the scope patient/{kind}.s", scope=f"patient/{kind}.s")


def part(library: Library, found: Sequence[Stored], limits: Limits, now: int) -> tuple[Stored, ...]:
    """Those of the found resources that are within the limits of their types."""
    inside: set[int] = set()
    limited = {s.type for s in found if s.type in limits}
    for kind in limited:
        param = find(kind, "_id")
        assert param is not None
        ids = tuple(TokenValue(None, s.id) for s in found if s.type == kind)
        asked = Query(kind, (Clause(param, ids),), any_of=limits[kind], count=len(ids))
        inside.update(s.key for s in library.search(asked, now).matches)
    return tuple(s for s in found if s.type not in limited or s.key in inside)


def everything(
    library: Library, asked: Everything, now: int, gates: Gates, facts: Facts, *, whole: bool = False
) -> Page:
    """One page of Patient/[id]/$everything (R4 Patient operation; PDex §212), or the `whole` of it."""
    if library.read("Patient", asked.patient, now) is None:
        _absent("Patient")
    if asked.count == 0:
        return Page((), total=library.everything(replace(asked, count=1), now).total)
    page = library.everything(replace(asked, count=WHOLE) if whole else asked, now)
    return _page(page if whole else page.fit(PAGE_BYTES_MAX, asked.back), gates, facts)


def everything_args(
    patient: str,
    given: Sequence[tuple[str, str]],
    readable: frozenset[str],
    page_size: int,
    page_size_max: int,
    limits: Limits = _NO_LIMITS,
    others: Collection[str] = (),
) -> Everything:
    """The parameters of `$everything`: start, end, _since, _type (repeated or with commas), _count
    (0: the total only). `readable` and `limits` as in `search`; `others` are the types of the data beyond
    the guides'. Raises BadRequest."""
    known = {"start", "end", "_since", "_type", "_count", "_page", "_format", "_pretty"}
    check_search(given)
    args: dict[str, str] = {}
    types: dict[str, None] = {}
    for name, text in given:
        if not text:
            continue  # as in any search, a parameter without a value asks nothing
        if name not in known:
            bad_request(f"$everything has no parameter {name}", name)
        if name == "_type":
            types |= dict.fromkeys(filter(None, text.split(",")))
        elif name in args:
            bad_request(f"{name} is there more than once", name)
        else:
            args[name] = text
    for kind in types:
        if kind not in TYPES and kind not in others:
            bad_request("This payer holds no resources of a type that is asked for", "_type")
    # _count is understood as in any search.
    size = [("_count", args["_count"])] if "_count" in args else []
    asked = parse("Patient", size, page_size=page_size, page_size_max=page_size_max)
    return Everything(
        patient,
        types=tuple(t for t in (types or KNOWN) if t in readable) or ("none",),
        start=_edge(args, "start", 0),
        end=_edge(args, "end", 1),
        since=_edge(args, "_since", 0),
        count=0 if asked.summary_only else asked.count,
        limits=tuple(limits.items()),
    )


def _edge(args: dict[str, str], name: str, side: int) -> int | None:
    if name not in args:
        return None
    try:
        return dates.parse(args[name].replace(" ", "+"))[side]
    except (ValueError, OverflowError):
        bad_request("The value is not a FHIR date", name)


def visible(stored: Stored, patient: str | None) -> bool:
    """Whether it is in this patient's compartment, or shared; None sees every compartment."""
    return patient is None or stored.type in SHARED or stored.patient == patient


def _absent(kind: str) -> NoReturn:
    not_found(f"No such {kind}")


def _page(page: Page, gates: Gates, facts: Facts, elements: tuple[str, ...] = ()) -> Page:
    matches, included = shown(page.matches, gates, facts), shown(page.included, gates, facts)
    if gates.armed(Stage.RESOURCE) and included:
        included = _named(matches, included)
    if elements:
        matches = tuple(s._replace(body=subset(s.body, elements)) for s in matches)
    if matches is not page.matches or included is not page.included:
        page = replace(page, matches=matches, included=included)
    return gates.run(Stage.BUNDLE, page, facts)


def _named(matches: tuple[Stored, ...], included: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """What is shown may refer to less than what is stored: nobody includes what nothing names, unless
    it names a match itself (`_revinclude`)."""
    bodies = [s.body for s in (*matches, *included)]
    names = [f'{s.type}/{s.id}"'.encode() for s in matches]

    def named(stored: Stored) -> bool:
        own = f'{stored.type}/{stored.id}"'.encode()
        return any(own in body for body in bodies) or any(name in stored.body for name in names)

    return tuple(s for s in included if named(s))


def shown(found: tuple[Stored, ...], gates: Gates, facts: Facts) -> tuple[Stored, ...]:
    """The RESOURCE gate: decode → effects → encode, only if armed."""
    if not gates.armed(Stage.RESOURCE):
        return found
    return tuple(
        s._replace(
            body=json_bytes(gates.run(Stage.RESOURCE, json_exact(s.body), replace(facts, resource=s.type)))
        )
        for s in found
    )
