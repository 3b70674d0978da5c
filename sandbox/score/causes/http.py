"""Name the causes of failed exchanges: by the status, or by why no whole response came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sandbox.score.causes.model import LossCause, merge
from sandbox.score.evidence import Exchange, Observation
from sandbox.score.requests import pair_with_retried

_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "not-allowed",
    406: "not-acceptable",
    410: "gone",
    429: "too-many-requests",
    502: "bad-gateway",
    503: "unavailable",
    504: "gateway-timeout",
}
_NOTE = (
    ("time is up", "out-of-time"),
    ("not asked:", "another-origin"),
    ("in time", "timeout"),
    ("not whole after", "timeout"),
    ("does not resolve", "unknown-host"),
    ("TLS", "tls"),
    ("certificate", "tls"),
    ("no connection", "no-connection"),
)
"""Words of a note → the cause; the first that is found."""


def name_cause(exchange: Exchange) -> str:
    """Name the cause of a failed exchange; empty for a 200 with a valid body."""
    if exchange.status == 200:
        return "not-fhir" if exchange.flaw else ""
    if exchange.status in _STATUS:
        return _STATUS[exchange.status]
    if exchange.status >= 500:
        return "server-error"
    if exchange.status >= 400:
        return "bad-request"
    if exchange.status >= 300:
        return "redirect"
    if exchange.status:
        return "other-status"
    return next((cause for words, cause in _NOTE if words in exchange.note), "broken-answer")


def find_last_tries(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the last try of each request."""
    return [exchange for exchange, retried in pair_with_retried(exchanges) if not retried]


def find_deciding(entry: Mapping[str, Any], observation: Observation) -> tuple[Exchange, ...]:
    """Return the exchange that decided an entry of an observation; none where a log lacks it."""
    place = entry.get("exchange")
    if not isinstance(place, int) or not 0 <= place < len(observation.exchanges):
        return ()
    return observation.exchanges[place : place + 1]


def find_failures(
    exchanges: Iterable[Exchange], *, flaws: bool = False, name: Callable[[Exchange], str] = name_cause
) -> tuple[LossCause, ...]:
    """Return the causes of failed exchanges. `flaws`: a 200 without a resource is a failure."""
    return merge(
        LossCause(cause, 1, _about(exchange), (exchange,))
        for exchange in exchanges
        if (cause := name(exchange)) and (flaws or exchange.status != 200)
    )


def _about(exchange: Exchange) -> tuple[str, ...]:
    """Return the type or operation of the request."""
    if exchange.step == "everything":
        return ("$everything",)
    return (exchange.resource,) if exchange.resource else ()
