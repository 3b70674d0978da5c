"""HTTP statuses in plain words, for reasons on the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sandbox.score.evidence import Exchange

WORDS = {
    0: "no whole answer",
    400: "Bad Request: the server did not accept the search",
    401: "Unauthorized: the token died before its time or was not accepted",
    403: "Forbidden: the granted scopes do not open what metadata offers",
    404: "Not Found: metadata offers a type, or a link leads to a page, that is not there",
    406: "Not Acceptable",
    410: "Gone: a page of results expired",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def tally(exchanges: Iterable[Exchange]) -> str:
    """`12 × 401 (Unauthorized: …), 3 × 404 (…)`, most frequent first."""
    counted = Counter(e.status for e in exchanges)
    return ", ".join(f"{count} × {_name(status)}" for status, count in counted.most_common())


def _name(status: int) -> str:
    words = WORDS.get(status, "")
    if status == 0:
        return words
    return f"{status} ({words})" if words else str(status)


def count(number: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
