"""HTTP statuses in plain words, for the reasons on the card."""

from __future__ import annotations

from http import HTTPStatus

from sandbox.score.evidence import Evidence

WORDS = {
    0: "no complete response",
    400: "Bad Request: the server did not accept the search",
    401: "Unauthorized: the server did not accept the token, or the token stopped working early",
    403: "Forbidden: the granted scopes do not cover the request",
    404: "Not Found: the address does not exist",
    410: "Gone: a page of results expired",
    **{status: HTTPStatus(status).phrase for status in (406, 429, 500, 502, 503, 504)},
}
TEMPORARY_FAILURES = (0, 429, 500, 502, 503, 504)
"""Statuses of a server that fails for now; they are no refusal."""


def at_least(evidence: Evidence) -> int:
    """Return how many attempts or requests make a rate (reading A5): one unless the edition wants more."""
    reading = evidence.readings.get("A5", "")
    return int(reading.removeprefix("at-least-")) if reading.startswith("at-least-") else 1
