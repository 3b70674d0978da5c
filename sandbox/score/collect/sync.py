"""Syncs one member as an app does: `$everything`, then a search per type, then the references.

The first two are the sync that is measured (request-success, sync-speed); references are read afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote

from sandbox.score.collect import plan
from sandbox.score.collect.plan import Offer
from sandbox.score.collect.target import TargetPayer
from sandbox.score.evidence import Exchange
from sandbox.score.fhir import bundles
from sandbox.score.fhir.bundles import BundlePage
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import Credential
from sandbox.score.signin.tokens import Bearer

MOST_PAGES = 200
MOST_REFERENCES = 5_000
"""References of one member that are read. Hundreds are usual; a hostile payer serves them without end."""
MOST_DATA = 256 * 1024 * 1024
"""Bytes of one member's sync after which no further page is asked for."""
NOT_THERE = (404, 405, 501)
"""Statuses of a server that does not know an operation."""


@dataclass(frozen=True)
class TokenHolder:
    """A member whose token is at hand, with the scope that it was granted."""

    patient: str
    scope: str
    bearer: Bearer


@dataclass
class Shown:
    """What the pages of one search held. The resources themselves are not kept.

    `keys` are `Type/id` of all resources, `own` those of the requested type that are about nobody else,
    `places` the addresses of entries.
    """

    keys: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set, repr=False)
    places: set[str] = field(default_factory=set, repr=False)


@dataclass(frozen=True)
class SearchWalk:
    """A search followed to its end. `unbroken`: every page was a Bundle with 200, and they ended."""

    status: int
    pages: tuple[BundlePage, ...]
    unbroken: bool
    note: str
    shown: Shown


@dataclass(frozen=True)
class EverythingResult:
    """What one `$everything` gave, compared with the searches.

    `missing` counts resources that only the searches gave. `offered`: metadata names the operation.
    """

    status: int
    pages: int
    unbroken: bool
    first_page: int
    entries: int
    searched: int
    missing: int
    missing_types: tuple[str, ...]
    note: str = ""
    offered: bool = True

    @property
    def in_vain(self) -> bool:
        """Whether it is neither offered nor there: that is no failed request of a sync."""
        return not self.offered and self.status in NOT_THERE


@dataclass(frozen=True)
class MemberSync:
    """One member's sync. `seconds` is time for transfers and Retry-After, without pacing and parsing.

    `exchanges` are those of the sync. `everything_exchanges` are the first of them; where `$everything` is
    neither offered nor there, they are left out of `exchanges`.
    """

    seconds: float
    ok_searches: tuple[str, ...]
    types: tuple[str, ...]
    filled: tuple[str, ...]
    everything: EverythingResult | None
    exchanges: tuple[Exchange, ...]
    everything_exchanges: tuple[Exchange, ...]
    references: tuple[str, ...] = field(repr=False)

    def to_value(self) -> dict[str, Any]:
        """Return what evidence keeps. References are left out, since they may name people."""
        everything = self.everything and asdict(self.everything)
        if everything:
            everything["missing_types"] = list(everything["missing_types"])
        lists = {name: list(getattr(self, name)) for name in ("ok_searches", "types", "filled")}
        return {"seconds": self.seconds, **lists, "everything": everything}


_NOT_ASKED = SearchWalk(0, (), False, "not asked", Shown())


class Syncer:
    """Syncs one member with one credential, and keeps every exchange."""

    def __init__(self, target: TargetPayer, holder: TokenHolder, offer: Offer):
        self._http, self._watch, self._base = target.http, target.watch, target.base
        self._patient, self._credential, self._offer = holder.patient, holder.bearer, offer
        self._exchanges: list[Exchange] = []
        self._left = MOST_DATA

    def run(self, scope: str, *, everything: bool = True) -> MemberSync:
        """Run the sync. Without `everything`: another sync has shown that the operation is not there."""
        began, all_data = self._http.busy, _NOT_ASKED
        if everything:
            name = quote(self._patient, safe="")
            first = f"{self._base}/Patient/{name}/$everything?_count={plan.EVERYTHING_COUNT}"
            all_data = self._walk(first, "everything", "Patient")
        everything_exchanges = tuple(self._exchanges)
        if not self._offer.everything and all_data.status in NOT_THERE:
            self._exchanges.clear()
            began = self._http.busy
        walks: list[tuple[str, SearchWalk]] = []
        for search in plan.searches(self._patient, scope, self._offer):
            had, before = len(self._exchanges), self._http.busy
            url = f"{self._base}/{search.path}"
            walk = self._walk(url, "individual", search.resource, search.single)
            if search.promised or walk.status == 200:
                walks.append((search.resource, walk))
            else:
                del self._exchanges[had:]
                began += self._http.busy - before
        seconds = round(self._http.busy - began, 4)
        shown = frozenset(bundles.type_of(key) for key in all_data.shown.keys)
        answered = sorted({resource for resource, walk in walks if walk.status == 200})
        return MemberSync(
            seconds,
            tuple(answered),
            tuple(sorted({*answered, *shown})),
            tuple(sorted(shown | {bundles.type_of(key) for _, walk in walks for key in walk.shown.keys})),
            self._compare(all_data, [walk for _, walk in walks]) if everything else None,
            tuple(self._exchanges),
            everything_exchanges,
            self._references([walk for _, walk in walks]),
        )

    def _walk(self, url: str, step: str, resource: str, single: bool = False) -> SearchWalk:
        """Follow `next` links to the end. They never end when a page comes again, or there are too many."""
        answer = self._read(url, step, resource)
        walk = self._follow(answer, url, resource, bundles.single if single else bundles.page)
        self._watch.walk(resource, walk.pages, walk.unbroken, walk.note)
        return walk

    def _follow(
        self, answer: HttpAnswer, url: str, resource: str, read: Callable[[HttpAnswer], BundlePage]
    ) -> SearchWalk:
        status, requested, shown = answer.status, {url}, Shown()
        pages: list[BundlePage] = []
        note = ""
        while answer.status == 200 and not note:
            self._left -= len(answer.body)
            page = read(answer)
            self._look(page, resource, shown)
            pages.append(replace(page, resources=(), urls=()))
            if not page.readable:
                note = "a page is not a readable Bundle"
            elif not page.next:
                break
            elif page.next in requested or len(pages) >= MOST_PAGES:
                note = "the next links never end"
            elif self._left < 0:
                note = f"one member's data never end: {MOST_DATA >> 20} MB"
            else:
                requested.add(page.next)
                answer = self._read(page.next, "pagination", resource)
        if answer.status != 200:
            note = answer.exchange.note or f"a page answered {answer.status}"
        return SearchWalk(status, tuple(pages), not note, note, shown)

    def _look(self, page: BundlePage, searched: str, shown: Shown) -> None:
        """Take from a page's resources what will be needed."""
        for resource in page.resources:
            key, references = bundles.key_of(resource), bundles.references_in(resource)
            another = bundles.is_about_another(resource, self._patient)
            self._watch.resource(resource, key, references, searched, another)
            shown.references |= bundles.literal(references)
            if key:
                shown.keys.add(key)
            if key and not another and resource.get("resourceType") == searched:
                shown.own.add(key)
        shown.places |= {bundles.place(url, self._base) for url in page.urls}

    def _read(self, url: str, step: str, resource: str) -> HttpAnswer:
        tries = self._http.read(url, self._credential, step=step, resource=resource)
        self._exchanges += [replace(answer.exchange, flaw=bundles.flaw(answer)) for answer in tries]
        return tries[-1]

    def _compare(self, all_data: SearchWalk, walks: list[SearchWalk]) -> EverythingResult:
        """Return which of the member's own resources the searches gave and `$everything` did not."""
        searched = set().union(*(walk.shown.own for walk in walks))
        missing = searched - all_data.shown.keys
        return EverythingResult(
            all_data.status,
            len(all_data.pages),
            all_data.unbroken,
            all_data.pages[0].matches if all_data.pages else 0,
            len(all_data.shown.keys),
            len(searched),
            len(missing),
            tuple(sorted({bundles.type_of(key) for key in missing})),
            all_data.note,
            self._offer.everything,
        )

    def _references(self, walks: list[SearchWalk]) -> tuple[str, ...]:
        """Return the distinct literal references in the searches that none of their entries answers."""
        entries = set[str]().union(*(walk.shown.keys for walk in walks))
        places = set[str]().union(*(walk.shown.places for walk in walks))
        references = {ref for walk in walks for ref in walk.shown.references}
        named = {bundles.normal(ref, self._base, *self._offer.names) for ref in references}
        outside = (
            ref
            for ref in named
            if bundles.target(ref) not in entries and bundles.place(ref, self._base) not in places
        )
        return tuple(sorted(outside)[:MOST_REFERENCES])


def read_references(
    target: TargetPayer, references: Iterable[str], credential: Credential
) -> tuple[Counter[str], list[Exchange]]:
    """Read each reference once; the last try decides. One that leads elsewhere fails without being asked.

    Returns failures by status and type, and the exchange of every try.
    """
    exchanges: list[Exchange] = []
    failures: Counter[str] = Counter()
    for reference in references:
        kind = bundles.type_of(reference)
        address = bundles.address(reference, target.base)
        tries = target.http.read(address, credential, step="reference", resource=kind)
        exchanges += [answer.exchange for answer in tries]
        if tries[-1].status != 200:
            failures[f"{tries[-1].status or 'no answer'} {kind}"] += 1
    return failures, exchanges
