"""The window of a log: the last six months, by the clock of the log itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.score.traffic.record import Record


@dataclass(frozen=True)
class Window:
    """From (excluded) and until (included). An empty log has no window."""

    since: datetime
    until: datetime

    def holds(self, when: datetime) -> bool:
        return self.since < when <= self.until


def window(records: Sequence[Record], days: int, as_of: datetime | None) -> Window | None:
    """The window that ends at `as_of`, or else at the log's last record. None for an empty log."""
    until = as_of or max((record.when for record in records), default=None)
    return Window(until - timedelta(days=days), until) if until else None
