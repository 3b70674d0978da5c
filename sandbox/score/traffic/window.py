"""The window of a log: the last six months, by the clock of the log itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.score.traffic.record import TrafficRecord


@dataclass(frozen=True)
class LogWindow:
    """From (excluded) and until (included). An empty log has no window."""

    since: datetime
    until: datetime

    def holds(self, when: datetime) -> bool:
        return self.since < when <= self.until


STRAYS = 20
"""A record in so many may be of a clock that is wrong."""


def window(records: Sequence[TrafficRecord], days: int, as_of: datetime | None) -> LogWindow | None:
    """The window that ends at `as_of`, or else at the log's last record (in order of time). The last few
    do not decide when they are a window or more after all others: a clock was wrong. None for an empty
    log."""
    until = as_of or _last(records, timedelta(days=days))
    return LogWindow(until - timedelta(days=days), until) if until else None


def _last(records: Sequence[TrafficRecord], span: timedelta) -> datetime | None:
    if not records:
        return None
    fewest = len(records) - len(records) // STRAYS
    for number in range(fewest, len(records)):
        if records[number].when - records[number - 1].when >= span:
            return records[number - 1].when
    return records[-1].when
