"""The exchanges that show why a metric stands where it does: failures first, a handful."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.score.evidence import Evidence, Exchange

MOST = 5


def of(needs: Iterable[str], evidence: Evidence) -> tuple[Exchange, ...]:
    """Up to MOST exchanges of a check's observations; failed ones first, one of each kind before a second."""
    found = [exchange for name in needs for exchange in evidence[name].exchanges]
    turns: dict[tuple[int, str, str], int] = {}
    ordered = []
    for place, exchange in enumerate(found):
        kind = (exchange.status, exchange.step, exchange.resource)
        turns[kind] = turns.get(kind, 0) + 1
        failed = exchange.status == 0 or exchange.status >= 400 or bool(exchange.flaw)
        ordered.append((not failed, turns[kind], place, exchange))
    return tuple(entry[3] for entry in sorted(ordered, key=lambda entry: entry[:3])[:MOST])
