"""HTTP statuses in plain words, for reasons on the card."""

from __future__ import annotations

from sandbox.score.evidence import Evidence

WORDS = {
    0: "no whole answer",
    400: "Bad Request: the server did not accept the search",
    401: "Unauthorized: the token died before its time or was not accepted",
    403: "Forbidden: the granted scopes do not open what was asked for",
    404: "Not Found: what was asked for is not there",
    406: "Not Acceptable",
    410: "Gone: a page of results expired",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
HICCUPS = (0, 429, 500, 502, 503, 504)
"""Statuses of a server that stumbles: they refuse nothing."""


def count(number: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def at_least(evidence: Evidence) -> int:
    """How many attempts or requests make a rate (reading A5): one, unless the edition asks for more."""
    asked = evidence.readings.get("A5", "")
    return int(asked.removeprefix("at-least-")) if asked.startswith("at-least-") else 1
