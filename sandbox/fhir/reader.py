"""Reads, searches and `$everything` over a library, as far as an access reaches.

The QUERY, RESOURCE and BUNDLE gates are passed here. Nothing is parsed unless the RESOURCE gate is armed:
stored bytes are served as they are.

A version that the payer's clock has not come to does not exist. Who may not read a resource as it is now
reads none of its versions. Each version must be within reach itself, too: it may have been another member's,
or outside the part that granular scopes reach. Of a deleted resource only the deletion is reported (410).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol

from sandbox.core.errors import Gone, bad_request, forbidden, not_found
from sandbox.core.files import json_bytes, json_exact
from sandbox.core.gates import Facts, Gates, Stage
from sandbox.core.limits import INCLUDED_MAX, PAGE_BYTES_MAX, check_search, too_costly
from sandbox.core.payer import PayerProfile
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Library, Page, Stored, entry_address
from sandbox.fhir.schema.types import KNOWN, SHARED, TYPES, find
from sandbox.fhir.search.clause import AnyOf, Clause
from sandbox.fhir.search.query import Query, parse
from sandbox.fhir.search.value import TokenValue
from sandbox.fhir.subset import subset

Args = Sequence[tuple[str, str]]

WHOLE = 1_000_000
"""More resources than any patient has."""

_EVERYTHING = {"start", "end", "_since", "_type", "_count", "_page", "_format", "_pretty"}
"""Parameters of `$everything`, and those that any request may have."""


class Reach(Protocol):
    """What a bearer's token lets them see. `auth` has the one of an access token."""

    @property
    def patient(self) -> str | None:
        """The compartment; None for a backend service, which reaches every compartment."""
        ...

    def is_user(self, kind: str, id: str) -> bool:
        """Whether this resource is who signed in, whom the token may read whatever its scopes."""
        ...

    def readable(self, kinds: Sequence[str]) -> frozenset[str]:
        """Those of the types that a search or `$everything` may show, within their `limits`."""
        ...

    def limit(self, kind: str, action: str) -> AnyOf:
        """What a resource must meet to be read ("r") or searched ("s"); empty for any resource."""
        ...

    def limits(self, kinds: Sequence[str]) -> Mapping[str, AnyOf]:
        """The limits of those types of which a search or `$everything` may show a part only."""
        ...


_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Reader:
    """The answers to one request. `kinds` are the types that the API serves, `now` (ms) is the time of the
    payer's clock: of a later page, the time when the first page was made."""

    library: Library
    access: Reach
    kinds: Sequence[str]
    payer: PayerProfile
    now: int
    gates: Gates
    facts: Facts

    def read(self, kind: str, id: str) -> Stored:
        """Return one resource as it is shown. Raises as `fetch` does."""
        limit = () if self.access.is_user(kind, id) else self.access.limit(kind, "r")
        return self._show((self._within_reach(kind, id, limit),))[0]

    def fetch(self, kind: str, id: str) -> Stored:
        """Return one resource as it is stored.

        Raises NotFound for an unknown type or id, and for another member's resource (whether it exists is
        nobody else's business) unless the payer says so; Forbidden for a resource outside the limit of
        the token's scopes; Gone for a deleted resource that was within reach before.
        """
        return self._within_reach(kind, id, self.access.limit(kind, "r"))

    def version(self, kind: str, id: str, version: str) -> Stored:
        """Return one version of a resource as it is shown. Raises as `fetch` does."""
        stored = next((s for s in self._versions(kind, id) if s.version == version), None)
        if stored is None:
            not_found(f"This {kind} does not have such a version.", cause="version-unknown")
        return self._show((stored,))[0]

    def history(self, kind: str, id: str, since: int = 0) -> tuple[Stored, ...]:
        """Return the versions made at `since` (ms) or later, the newest first. Raises as `fetch` does.

        Source: R4 §3.1.0.14 `_since`.
        """
        return self._show(tuple(s for s in self._versions(kind, id) if s.updated >= since))

    def search(self, query: Query) -> Page:
        """Return one page of a search.

        Included resources that the token does not reach are left out; the page says of which types.
        Source: SMART-033.
        """
        access, patient = self.access, self.access.patient
        if patient is None:
            query.check_breadth()
        if limit := access.limit(query.type, "s"):
            query = replace(query, any_of=limit)
        query = query.within(patient, refuse=self.payer.foreign_search == "forbidden")
        query = self.gates.run(Stage.QUERY, query, self.facts)
        for clause in query.clauses:
            if clause.chain:
                self._check_chain(clause.chain[0])
        page = self.library.search(query, self.now).fit(PAGE_BYTES_MAX, query.back)
        if query.untold:
            page = replace(page, total=None)
        if query.includes and page.matches:
            page = self._include(page, query)
        return self._show_page(page, query.elements)

    def everything(self, query: Everything) -> Page:
        """Return one page of `$everything`, or all of it if the payer has a single page.

        Source: R4 Patient/$everything; PDex §212. Raises NotFound for an unknown patient.
        """
        if self.library.read("Patient", query.patient, self.now) is None:
            _raise_absent("Patient")
        if query.count == 0:
            return Page((), total=self.library.everything(replace(query, count=1), self.now).total)
        if self.payer.everything == "single":
            return self._show_page(self.library.everything(replace(query, count=WHOLE), self.now))
        return self._show_page(self.library.everything(query, self.now).fit(PAGE_BYTES_MAX, query.back))

    def parse_everything(self, patient: str, args: Args) -> Everything:
        """Return the query in the parameters of `$everything`: start, end, _since, _type, _count.

        `_type` may be repeated or hold commas; `_count=0` asks for the total only. Raises BadRequest.
        """
        check_search(args)
        values: dict[str, str] = {}
        types: dict[str, None] = {}
        for name, text in args:
            if not text:
                continue  # as in any search, a parameter without a value asks nothing
            if name not in _EVERYTHING:
                bad_request(f"$everything has no parameter {name}.", name)
            if name == "_type":
                types |= dict.fromkeys(filter(None, text.split(",")))
            elif name in values:
                bad_request(f"{name} is there more than once. Send it once.", name)
            else:
                values[name] = text
        if any(kind not in TYPES and kind not in self.kinds for kind in types):
            bad_request("This payer does not have one of the resource types in _type.", "_type")
        # _count is understood as in any search.
        size = [("_count", values["_count"])] if "_count" in values else []
        search = parse(
            "Patient", size, page_size=self.payer.page_size, page_size_max=self.payer.page_size_max
        )
        readable = self.access.readable(self.kinds)
        return Everything(
            patient,
            types=tuple(kind for kind in (types or KNOWN) if kind in readable) or ("none",),
            start=_parse_edge(values, "start", 0),
            end=_parse_edge(values, "end", 1),
            since=_parse_edge(values, "_since", 0),
            count=0 if search.summary_only else search.count,
            limits=tuple(self.access.limits(self.kinds).items()),
        )

    def _within_reach(self, kind: str, id: str, limit: AnyOf) -> Stored:
        if kind not in KNOWN:
            text = f"This payer does not have the resource type {kind}."
            not_found(text, "not-supported", cause="type-unsupported")
        patient = self.access.patient
        id = self.gates.run(Stage.READ, id, replace(self.facts, resource=kind))
        stored = self.library.read(kind, id, self.now)
        if stored is None:
            self._raise_gone(kind, id, limit)
        if not is_visible(stored, patient):
            if self.payer.foreign_read == "forbidden" and stored.patient is not None:
                forbidden("The access token is for another patient.", cause="other-patient")
            _raise_absent(kind)
        if limit and not self._meeting([stored], {kind: limit}, self.now):
            scope = f"{'system' if patient is None else 'patient'}/{kind}.r"
            forbidden("The scopes of the access token do not cover this resource.", scope=scope)
        return stored

    def _raise_gone(self, kind: str, id: str, limit: AnyOf) -> NoReturn:
        """Raise Gone if there was something that this token reached, otherwise NotFound."""
        for last in self.library.versions(kind, id, self.now)[:1]:
            if is_visible(last, self.access.patient) and (
                not limit or self._meeting([last], {kind: limit}, last.updated)
            ):
                raise Gone(f"This {kind} was deleted.", cause="resource-deleted")
        _raise_absent(kind)

    def _versions(self, kind: str, id: str) -> list[Stored]:
        """Return the versions within reach, the newest first."""
        self.fetch(kind, id)
        own = [s for s in self.library.versions(kind, id, self.now) if is_visible(s, self.access.patient)]
        if not (limit := self.access.limit(kind, "r")):
            return own
        # At the moment when it began, a version is the one that a search finds.
        return [s for s in own if self._meeting([s], {kind: limit}, s.updated)]

    def _check_chain(self, kind: str) -> None:
        """A chain reveals the resource it looks into: the token must reach all of its type."""
        if kind not in self.access.readable(self.kinds) or kind in self.access.limits(self.kinds):
            scope = f"patient/{kind}.s"
            forbidden(f"The access token does not have the scope {scope}.", scope=scope)

    def _include(self, page: Page, query: Query) -> Page:
        patient = self.access.patient
        included = self.library.include(page.matches, query.includes, self.now, patient)
        if len(included) > INCLUDED_MAX:
            name = "_revinclude" if any(rule.reverse for rule in query.includes) else "_include"
            text = f"A page may have at most {INCLUDED_MAX} included resources. Ask for fewer by _count."
            raise too_costly(text, name)
        own = [s for s in included if is_visible(s, patient)]
        readable, limits = self.access.readable(self.kinds), self.access.limits(self.kinds)
        reached = self._meeting([s for s in own if s.type in readable], limits, self.now)
        page = replace(page, included=reached)
        if len(reached) < len(own):
            kept = {s.key for s in reached}
            # A type that the payer does not serve is not left out because of the token.
            withheld = {s.type for s in own if s.key not in kept}.intersection(self.kinds)
            page = replace(page, withheld=tuple(sorted(withheld)))
        return page

    def _meeting(
        self, resources: Sequence[Stored], limits: Mapping[str, AnyOf], now: int
    ) -> tuple[Stored, ...]:
        """Return those of the resources that meet the limits of their types."""
        inside: set[int] = set()
        limited = {s.type for s in resources if s.type in limits}
        for kind in limited:
            param = find(kind, "_id")
            assert param is not None
            ids = tuple(TokenValue(None, s.id) for s in resources if s.type == kind)
            query = Query(kind, (Clause(param, ids),), any_of=limits[kind], count=len(ids))
            inside.update(s.key for s in self.library.search(query, now).matches)
        return tuple(s for s in resources if s.type not in limited or s.key in inside)

    def _show_page(self, page: Page, elements: tuple[str, ...] = ()) -> Page:
        matches, included = self._show(page.matches), self._show(page.included)
        if included and self.gates.armed(Stage.RESOURCE):
            included = _keep_named(matches, included)
        if elements:
            matches = tuple(s._replace(body=subset(s.body, elements)) for s in matches)
        if matches is not page.matches or included is not page.included:
            page = replace(page, matches=matches, included=included)
        return self.gates.run(Stage.BUNDLE, page, self.facts)

    def _show(self, resources: tuple[Stored, ...]) -> tuple[Stored, ...]:
        """Pass the RESOURCE gate, which decodes and encodes only if it is armed."""
        if not self.gates.armed(Stage.RESOURCE):
            return resources
        shown = []
        for stored in resources:
            facts = replace(self.facts, resource=stored.type)
            value = self.gates.run(Stage.RESOURCE, json_exact(stored.body), facts)
            id = str(value.get("id", ""))
            address = entry_address(stored.type, id if _ID.fullmatch(id) else stored.id)
            shown.append(stored._replace(body=json_bytes(value), address=address))
        return tuple(shown)


def is_visible(stored: Stored, patient: str | None) -> bool:
    """Whether it is in this patient's compartment, or shared; None sees every compartment."""
    return patient is None or stored.type in SHARED or stored.patient == patient


def _parse_edge(values: Mapping[str, str], name: str, side: int) -> int | None:
    return dates.parse_parameter(values[name], name)[side] if name in values else None


def _raise_absent(kind: str) -> NoReturn:
    not_found(f"There is no {kind} with this id.")


def _keep_named(matches: tuple[Stored, ...], included: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """Return the included resources that are still named once the RESOURCE gate has changed bodies.

    A resource also stays if it names a match itself (`_revinclude`).
    """
    bodies = [s.body for s in (*matches, *included)]
    names = [f'{s.type}/{s.id}"'.encode() for s in matches]

    def is_named(stored: Stored) -> bool:
        own = f'{stored.type}/{stored.id}"'.encode()
        return any(own in body for body in bodies) or any(name in stored.body for name in names)

    return tuple(s for s in included if is_named(s))
