"""Time, injected. Every reading of the wall clock in the project happens in this file."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC, with a timezone."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class OffsetClock:
    """Another clock moved by a fixed amount: how a tenant lives in the future."""

    base: Clock
    offset: timedelta

    def now(self) -> datetime:
        return self.base.now() + self.offset


@dataclass
class FrozenClock:
    """A clock that stands until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def anchor(clock: Clock) -> date:
    """The day the default data is built around: the first of the clock's current month.

    Lapsed and future coverage are counted from it, so the population is built once a month.
    """
    return clock.now().date().replace(day=1)


def stopwatch() -> float:
    """Seconds on a monotonic clock: for measuring, never for deciding."""
    return time.perf_counter()


def processor_seconds() -> float:
    """Seconds that this thread has spent on a processor: for measuring, never for deciding."""
    return time.thread_time()


def sleep(seconds: float) -> None:
    """Wait. Here so that tests can see every place that waits."""
    time.sleep(seconds)


def skip(clock: Clock, seconds: float) -> bool:
    """Move a clock that a test holds. False for a clock that goes by itself: there one has to wait."""
    while isinstance(clock, OffsetClock):
        clock = clock.base
    if not isinstance(clock, FrozenClock):
        return False
    clock.advance(timedelta(seconds=seconds))
    return True


_DURATION = re.compile(
    r"(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds (P90D, PT5M, -P1D).

    Months and years are refused: they have no fixed length. Raises ValueError.
    """
    match = _DURATION.fullmatch(text)
    if not match or text.endswith(("P", "T")):
        raise ValueError(f"not a duration of days and times (such as P90D or PT5M): {text!r}")
    sign, weeks, days, hours, minutes, seconds = match.groups()
    try:
        span = timedelta(
            weeks=int(weeks or 0),
            days=int(days or 0),
            hours=int(hours or 0),
            minutes=int(minutes or 0),
            seconds=float(seconds or 0),
        )
    except OverflowError:
        raise ValueError(f"longer than any calendar: {text!r}") from None
    return -span if sign else span
