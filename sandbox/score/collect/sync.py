"""One member's sync, as an app does it: `$everything`, then a search per type, then the references.

The first two are the sync proper (request-success, sync-speed); references are read afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote

from sandbox.score.collect import plan
from sandbox.score.collect.plan import Offer
from sandbox.score.evidence import Exchange
from sandbox.score.fhir import bundles
from sandbox.score.fhir.bundles import BundlePage
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import Credential, HttpClient

MOST_PAGES = 200
MOST_REFERENCES = 5_000
"""Of one member that are read: hundreds are usual, and a payer that means harm must come to an end."""
MOST_DATA = 256 * 1024 * 1024
"""Bytes of one member's sync after which no further page is asked for."""
NOT_THERE = (404, 405, 501)
"""What a server answers that does not know an operation."""
SYNC_STEPS = ("everything", "individual", "pagination")
"""The steps whose answers `request-success` counts."""


@dataclass
class Shown:
    """What the pages of one search showed: `Type/id` of all resources, of those of the type asked for that
    are about nobody else, the references in them, and the addresses of entries. The resources themselves are
    looked at once and let go."""

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
    """What one `$everything` gave, against the searches. `missing` counts compartment resources; `offered`:
    metadata names the operation."""

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
        """Whether it was asked for although nobody offers it: that is no failed request of a sync."""
        return not self.offered and self.status in NOT_THERE


@dataclass(frozen=True)
class MemberSync:
    """One member's sync. `seconds` is transfer and told-to-wait time, without our pacing and parsing.

    `exchanges` are those of the sync; the first of them, or the one beside them when `$everything` was asked
    in vain, are `whole`: those of `$everything`.
    """

    seconds: float
    ok_searches: tuple[str, ...]
    types: tuple[str, ...]
    filled: tuple[str, ...]
    everything: EverythingResult | None
    exchanges: tuple[Exchange, ...]
    whole: tuple[Exchange, ...]
    references: tuple[str, ...] = field(repr=False)

    def to_value(self) -> dict[str, Any]:
        """What evidence keeps: no reference, since references may name people."""
        everything = self.everything and {
            **asdict(self.everything),
            "missing_types": list(self.everything.missing_types),
        }
        return {
            "seconds": self.seconds,
            "ok_searches": list(self.ok_searches),
            "types": list(self.types),
            "filled": list(self.filled),
            "everything": everything,
        }


_NOT_ASKED = SearchWalk(0, (), False, "not asked", Shown())


class Syncer:
    """Syncs one member at one FHIR base with one credential, noting every exchange."""

    def __init__(self, http: HttpClient, base: str, patient: str, credential: Credential, offer: Offer):
        self._http, self._base, self._patient, self._credential = http, base, patient, credential
        self._offer = offer
        self.exchanges: list[Exchange] = []
        self._left = MOST_DATA

    def run(self, scope: str, *, everything: bool = True) -> MemberSync:
        """The sync proper. Not `everything`: it was asked for before, and is not there."""
        began, whole = self._http.busy, _NOT_ASKED
        if everything:
            name = quote(self._patient, safe="")
            first = f"{self._base}/Patient/{name}/$everything?_count={plan.EVERYTHING_COUNT}"
            whole = self._walk(first, "everything", "Patient")
        asked = tuple(self.exchanges)
        if not self._offer.everything and whole.status in NOT_THERE:
            self.exchanges.clear()
            began = self._http.busy
        walks: list[tuple[str, SearchWalk]] = []
        for search in plan.searches(self._patient, scope, self._offer):
            had, before = len(self.exchanges), self._http.busy
            url = f"{self._base}/{search.path}"
            walk = self._walk(url, "individual", search.resource, search.single)
            if search.promised or walk.status == 200:
                walks.append((search.resource, walk))
            else:
                del self.exchanges[had:]
                began += self._http.busy - before
        seconds = round(self._http.busy - began, 4)
        shown = frozenset(bundles.type_of(key) for key in whole.shown.keys)
        answered = sorted({resource for resource, walk in walks if walk.status == 200})
        return MemberSync(
            seconds,
            tuple(answered),
            tuple(sorted({*answered, *shown})),
            tuple(sorted(shown | {bundles.type_of(key) for _, walk in walks for key in walk.shown.keys})),
            self._compare(whole, [walk for _, walk in walks]) if everything else None,
            tuple(self.exchanges),
            asked,
            self._references([walk for _, walk in walks]),
        )

    def _walk(self, url: str, step: str, resource: str, single: bool = False) -> SearchWalk:
        """Follow `next` to the end: a page seen before, or too many pages, is an end that never came."""
        answer = self._read(url, step, resource)
        walk = self._follow(answer, url, resource, bundles.single if single else bundles.page)
        self._http.watch.walk(resource, walk.pages, walk.unbroken, walk.note)
        return walk

    def _follow(
        self, answer: HttpAnswer, url: str, resource: str, read: Callable[[HttpAnswer], BundlePage]
    ) -> SearchWalk:
        status, been, shown = answer.status, {url}, Shown()
        pages: list[BundlePage] = []
        while answer.status == 200:
            self._left -= len(answer.body)
            page = read(answer)
            self._look(page, resource, shown)
            pages.append(replace(page, resources=(), urls=()))
            if not page.readable:
                return SearchWalk(status, tuple(pages), False, "a page is not a readable Bundle", shown)
            if not page.next:
                return SearchWalk(status, tuple(pages), True, "", shown)
            if page.next in been or len(pages) >= MOST_PAGES:
                return SearchWalk(status, tuple(pages), False, "the next links never end", shown)
            if self._left < 0:
                return SearchWalk(
                    status, tuple(pages), False, f"one member's data never end: {MOST_DATA >> 20} MB", shown
                )
            been.add(page.next)
            answer = self._read(page.next, "pagination", resource)
        note = answer.exchange.note or f"a page answered {answer.status}"
        return SearchWalk(status, tuple(pages), False, note, shown)

    def _look(self, page: BundlePage, asked: str, shown: Shown) -> None:
        """Take from a page's resources what will be needed of them."""
        for resource in page.resources:
            key, said = bundles.key_of(resource), bundles.references_in(resource)
            another = bundles.is_about_another(resource, self._patient)
            self._http.watch.resource(resource, key, said, asked, another)
            shown.references |= bundles.literal(said)
            if key:
                shown.keys.add(key)
            if key and not another and resource.get("resourceType") == asked:
                shown.own.add(key)
        shown.places |= {bundles.place(url, self._base) for url in page.urls}

    def _read(self, url: str, step: str, resource: str) -> HttpAnswer:
        tries = self._http.read(url, self._credential, step=step, resource=resource)
        self.exchanges += [replace(answer.exchange, flaw=bundles.flaw(answer)) for answer in tries]
        return tries[-1]

    def _compare(self, whole: SearchWalk, walks: list[SearchWalk]) -> EverythingResult:
        """Which of the member's own resources the searches found and `$everything` did not."""
        found = set().union(*(walk.shown.own for walk in walks))
        missing = found - whole.shown.keys
        return EverythingResult(
            whole.status,
            len(whole.pages),
            whole.unbroken,
            whole.pages[0].matches if whole.pages else 0,
            len(whole.shown.keys),
            len(found),
            len(missing),
            tuple(sorted({bundles.type_of(key) for key in missing})),
            whole.note,
            self._offer.everything,
        )

    def _references(self, walks: list[SearchWalk]) -> tuple[str, ...]:
        """The distinct literal references of the search bundles that are not among their entries."""
        entries = set[str]().union(*(walk.shown.keys for walk in walks))
        places = set[str]().union(*(walk.shown.places for walk in walks))
        said = {ref for walk in walks for ref in walk.shown.references}
        named = {bundles.normal(ref, self._base, *self._offer.names) for ref in said}
        outside = (
            ref
            for ref in named
            if bundles.target(ref) not in entries and bundles.place(ref, self._base) not in places
        )
        return tuple(sorted(outside)[:MOST_REFERENCES])


@dataclass(frozen=True)
class ReferenceReading:
    """The references of one sync, each read once. `failures` counts by status and type; `tries`, each try."""

    read: int
    resolved: int
    tries: int
    tries_resolved: int
    failures: dict[str, int]
    exchanges: tuple[Exchange, ...]


def read_references(
    http: HttpClient, base: str, references: tuple[str, ...], credential: Credential
) -> ReferenceReading:
    """Read each reference; the last try decides. One that leads elsewhere fails without being asked."""
    exchanges: list[Exchange] = []
    failures: dict[str, int] = {}
    for reference in references:
        kind = bundles.type_of(reference)
        tries = http.read(bundles.address(reference, base), credential, step="reference", resource=kind)
        exchanges += [answer.exchange for answer in tries]
        if tries[-1].status != 200:
            why = f"{tries[-1].status or 'no answer'} {kind}"
            failures[why] = failures.get(why, 0) + 1
    read = len(references)
    good = sum(exchange.status == 200 for exchange in exchanges)
    return ReferenceReading(
        read, read - sum(failures.values()), len(exchanges), good, failures, tuple(exchanges)
    )
