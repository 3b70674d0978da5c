"""Requests of syncs, counted by step, status and retry: the metric `request-success` is their rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sandbox.score.evidence import Exchange, Observation
from sandbox.score.http.statuses import WORDS

STEPS = ("everything", "individual", "pagination", "retry")


class Kind(NamedTuple):
    """`retried`: the same request was sent again afterwards. `flawed`: a 200 with no readable resource."""

    step: str
    status: int
    retried: bool = False
    flawed: bool = False


def counted(exchanges: Iterable[Exchange]) -> Counter[Kind]:
    """Count the exchanges of a sync's steps by kind, in the order in which they were made."""
    pairs = pair_with_retried([e for e in exchanges if e.step in STEPS])
    return Counter(Kind(e.step, e.status, retried, bool(e.flaw)) for e, retried in pairs)


def pair_with_retried(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, bool]]:
    """Yield each exchange, and whether the next one sends the same request again."""
    for exchange, after in zip_longest(exchanges, exchanges[1:]):
        is_retry = after is not None and (after.retry or after.step == "retry")
        yield exchange, is_retry and after.url == exchange.url


def to_value(kinds: Counter[Kind]) -> list[dict[str, Any]]:
    return [{**kind._asdict(), "n": n} for kind, n in kinds.items()]


def count_requests(sync: Observation) -> Counter[Kind]:
    """Count the requests of a sync. A log keeps counts, since it may hold millions of requests."""
    if "requests" not in sync.value:
        return counted(sync.exchanges)
    return Counter(
        {Kind(r["step"], r["status"], r["retried"], r["flawed"]): r["n"] for r in sync.value["requests"]}
    )


def tally(failed: Counter[Kind]) -> str:
    """Return `12 × 401 (Unauthorized: …), 3 × 404 (…)`, most frequent first."""
    by_status: Counter[int] = Counter()
    for kind, n in failed.items():
        by_status[kind.status] += n
    return ", ".join(f"{n} × {_name(status)}" for status, n in by_status.most_common())


def _name(status: int) -> str:
    words = WORDS.get(status, "")
    if status == 0:
        return words
    return f"{status} ({words})" if words else str(status)
