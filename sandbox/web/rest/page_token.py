"""Page tokens: opaque, signed, bound to the tenant, the patient and the query they continue.

A token holds the place (a key of the library), the page's number, the instant of the first page and
when it was issued. Every page of a walk is the library as it was at that instant: a claim that
appears meanwhile moves nothing. Any other change of the query, `_count` too, makes it another query,
for which the token is no good (400); a token that is too old is 410.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from itsdangerous import BadSignature, URLSafeSerializer

from sandbox.core.cache import bounded, weigh
from sandbox.core.errors import Gone, bad_request
from sandbox.fhir.library import Page
from sandbox.store.secret import digest


@dataclass(frozen=True)
class PagePlace:
    """Where a page is: after the row `key`, or, going `back`, before it. `number` counts from 1, `now`
    is the instant (ms) the walk began; `token` is what was sent."""

    now: int
    key: int = 0
    number: int = 1
    back: bool = False
    token: str | None = None


def _bound(query: str) -> str:
    """What a token remembers of its query: how an answer is written down is no part of it."""
    if "_format=" in query or "_pretty=" in query:
        path, _, text = query.partition("?")
        kept = [(n, v) for n, v in parse_qsl(text, keep_blank_values=True) if n not in ("_format", "_pretty")]
        query = f"{path}?{urlencode(kept)}"
    return digest(query)[:16]


@bounded(2 << 20, lambda arguments, signer: 2 * weigh(arguments) + 3000)
def _serializer(key: str, reader: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=f"page:{reader}")


class Pages:
    """Signs and reads the `_page` parameter of one reader (a tenant and a patient), at an instant
    (ms); tokens live for some seconds."""

    def __init__(self, key: str, reader: str, now: int, seconds: int):
        self._serializer = _serializer(key, reader)
        self._now = now
        self._seconds = seconds

    def token(self, query: str, place: PagePlace) -> str:
        """A token that continues `query` (path and parameters) at a place."""
        held = [_bound(query), place.key, place.number, place.back, place.now, self._now]
        text: str = self._serializer.dumps(held)
        return text

    def read(self, query: str, token: str | None) -> PagePlace:
        """The place of a token, the beginning without one. Raises BadRequest for a token that was not
        issued by this payer to this reader for this query, Gone for one that is too old."""
        if not token:
            return PagePlace(self._now)
        try:
            bound, key, number, back, began, issued = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError):
            bad_request(
                "_page is not a page token of this server. Follow the next link as it is.",
                "_page",
                cause="page-token-invalid",
            )
        if bound != _bound(query):
            bad_request(
                "_page belongs to another search. Follow the next link as it is.",
                "_page",
                cause="page-token-invalid",
            )
        if self._now >= issued + self._seconds * 1000:
            text = "This page has expired. Start the search again."
            raise Gone(text, cause="page-expired", code="expired", expression="_page")
        # A clock that was turned back shows nothing that has not happened yet.
        return PagePlace(min(began, self._now), key, number, back, token)

    def links(self, url: str, query: str, place: PagePlace, page: Page) -> Sequence[tuple[str, str]]:
        """self, next, previous and first of a page; `url` is the address of the query."""

        def at(relation: str, token: str) -> tuple[str, str]:
            return relation, f"{url}{'&' if '?' in url else '?'}_page={token}"  # made of URL-safe characters

        def to(relation: str, key: int, number: int, back: bool = False) -> tuple[str, str]:
            return at(relation, self.token(query, PagePlace(place.now, key, number, back)))

        links = [at("self", place.token) if place.token else ("self", url)]
        if page.more:
            links.append(to("next", page.last, place.number + 1))
        if place.number > 1:
            first = to("first", 0, 1)
            # Before a page that was cut on the way back there is more of the same page.
            number = place.number if place.back and page.cut else place.number - 1
            far = number > 1 and page.first
            links.append(to("previous", page.first, number, True) if far else ("previous", first[1]))
            links.append(first)
        else:
            links.append(("first", links[0][1]))
        return links
