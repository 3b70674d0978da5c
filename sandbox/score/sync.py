"""One member's sync, as an app does it: `$everything`, then a search per type, then the references.

The first two are the sync proper (request-success, sync-speed); references are read afterwards.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote

from sandbox.score import bundles, plan
from sandbox.score.answers import Answer
from sandbox.score.bundles import Page
from sandbox.score.client import Client, Credential
from sandbox.score.evidence import Exchange

MOST_PAGES = 200
SYNC_STEPS = ("everything", "individual", "pagination")
"""The steps whose answers `request-success` counts."""


@dataclass(frozen=True)
class Walk:
    """A search followed to its end. `unbroken`: every page was a Bundle with 200, and they ended."""

    status: int
    pages: tuple[Page, ...]
    unbroken: bool
    note: str = ""

    @property
    def keys(self) -> frozenset[str]:
        return frozenset().union(*(p.keys for p in self.pages))

    @property
    def matches(self) -> int:
        return sum(p.matches for p in self.pages)


@dataclass(frozen=True)
class Everything:
    """What one `$everything` gave, against the searches. `missing` counts compartment resources."""

    status: int
    pages: int
    unbroken: bool
    first_page: int
    entries: int
    searched: int
    missing: int
    missing_types: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class MemberSync:
    """One member's sync. `seconds` is transfer and told-to-wait time, without our pacing and parsing."""

    seconds: float
    ok_searches: tuple[str, ...]
    types: tuple[str, ...]
    filled: tuple[str, ...]
    everything: Everything
    exchanges: tuple[Exchange, ...]
    references: tuple[str, ...] = field(repr=False)

    def to_value(self) -> dict[str, Any]:
        """What evidence keeps: no reference, since references may name people."""
        everything = {**asdict(self.everything), "missing_types": list(self.everything.missing_types)}
        return {
            "seconds": self.seconds,
            "ok_searches": list(self.ok_searches),
            "types": list(self.types),
            "filled": list(self.filled),
            "everything": everything,
        }


class Syncer:
    """Syncs one member at one FHIR base with one credential, noting every exchange."""

    def __init__(self, http: Client, base: str, patient: str, credential: Credential):
        self._http, self._base, self._patient, self._credential = http, base, patient, credential
        self.exchanges: list[Exchange] = []

    def run(self, scope: str, served: frozenset[str] | None) -> MemberSync:
        """The sync proper. `served`: the types metadata says can be searched (None: no metadata)."""
        began = self._http.busy
        name = quote(self._patient, safe="")
        first = f"{self._base}/Patient/{name}/$everything?_count={plan.EVERYTHING_COUNT}"
        whole = self._walk(first, "everything", "Patient")
        shown = frozenset(bundles.type_of(key) for key in whole.keys)
        walks: list[tuple[str, Walk]] = []
        for search in plan.searches(self._patient, scope, served, shown):
            walks.append(
                (search.resource, self._walk(f"{self._base}/{search.path}", "individual", search.resource))
            )
        seconds = round(self._http.busy - began, 4)
        answered = sorted({resource for resource, walk in walks if walk.status == 200})
        return MemberSync(
            seconds,
            tuple(answered),
            tuple(sorted({*answered, *shown})),
            tuple(sorted(shown | {bundles.type_of(key) for _, walk in walks for key in walk.keys})),
            self._compare(whole, [walk for _, walk in walks]),
            tuple(self.exchanges),
            self._references([walk for _, walk in walks]),
        )

    def _walk(self, url: str, step: str, resource: str) -> Walk:
        """Follow `next` to the end: a page seen before, or too many pages, is an end that never came."""
        answer = self._read(url, step, resource)
        walk = self._follow(answer, url, resource)
        self._http.watch.walk(resource, walk.pages, walk.unbroken, walk.note, self._patient)
        return walk

    def _follow(self, answer: Answer, url: str, resource: str) -> Walk:
        status, been = answer.status, {url}
        pages: list[Page] = []
        while answer.status == 200:
            pages.append(bundles.page(answer))
            following = pages[-1].next
            if not pages[-1].readable:
                return Walk(status, tuple(pages), False, "a page is not a readable Bundle")
            if not following:
                return Walk(status, tuple(pages), True)
            if following in been or len(pages) >= MOST_PAGES:
                return Walk(status, tuple(pages), False, "the next links never end")
            been.add(following)
            answer = self._read(following, "pagination", resource)
        note = answer.exchange.note or f"a page answered {answer.status}"
        return Walk(status, tuple(pages), False, note)

    def _read(self, url: str, step: str, resource: str) -> Answer:
        tries = self._http.read(url, self._credential, step=step, resource=resource)
        self.exchanges += [replace(answer.exchange, flaw=bundles.flaw(answer)) for answer in tries]
        return tries[-1]

    def _compare(self, whole: Walk, walks: list[Walk]) -> Everything:
        """Which of the member's own resources the searches found and `$everything` did not."""
        found = {
            bundles.key_of(resource)
            for walk in walks
            for page in walk.pages
            for resource in page.resources
            if not bundles.is_about_another(resource, self._patient)
        } - {""}
        missing = found - whole.keys
        return Everything(
            whole.status,
            len(whole.pages),
            whole.unbroken,
            whole.pages[0].matches if whole.pages else 0,
            len(whole.keys),
            len(found),
            len(missing),
            tuple(sorted({bundles.type_of(key) for key in missing})),
            whole.note,
        )

    def _references(self, walks: list[Walk]) -> tuple[str, ...]:
        """The distinct literal references of the search bundles that are not among their entries."""
        resources = [r for walk in walks for page in walk.pages for r in page.resources]
        entries = {bundles.key_of(resource) for resource in resources}
        named = {bundles.normal(ref, self._base) for r in resources for ref in bundles.references(r)}
        return tuple(sorted(named - entries))


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
    http: Client, base: str, references: tuple[str, ...], credential: Credential
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
