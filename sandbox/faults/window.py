"""When by the clock: spans of time in which a rule applies, by the tenant's own clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sandbox.core.clock import duration

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class Window(BaseModel):
    """A span of time; every key that is there must hold.

    `after` and `before` are instants with their zone (2027-01-01T00:00:00Z), or ISO 8601 durations:
    how far the tenant's clock has been moved ahead (`after: P30D`). `daily` is a span of every day in
    UTC ("22:30-04:00" goes over midnight), `days` the days on which it begins.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = None
    before: str | None = None
    daily: str | None = Field(None, pattern=f"^{_DAILY.pattern}$")
    days: list[Day] = []

    @field_validator("after", "before", mode="before")
    @classmethod
    def _moment(cls, value: object) -> object:
        # A dial of kind duration arrives as its seconds.
        text = f"PT{value}S" if isinstance(value, (int, float)) else value
        if isinstance(text, str):
            _edge(text)
        return text

    @model_validator(mode="after")
    def _said(self) -> Window:
        if not (self.after or self.before or self.daily or self.days):
            raise ValueError("a window has after, before, daily or days")
        return self

    def never(self) -> str:
        """Why it never opens; nothing when it does."""
        if self.after is not None and self.before is not None:
            after, before = _edge(self.after), _edge(self.before)
            if type(after) is type(before) and after >= before:  # type: ignore[operator]
                return "it ends before it begins"
        return ""

    def open(self, now: datetime, ahead: timedelta) -> bool:
        """Whether it is open now. `ahead`: how far the tenant's clock has been moved."""
        return self._since(now, ahead) and self._of_the_day(now)

    def _since(self, now: datetime, ahead: timedelta) -> bool:
        def reached(text: str) -> bool:
            edge = _edge(text)
            return now >= edge if isinstance(edge, datetime) else ahead >= edge

        begun = self.after is None or reached(self.after)
        return begun and (self.before is None or not reached(self.before))

    def _of_the_day(self, now: datetime) -> bool:
        now = now.astimezone(UTC)
        minute = now.hour * 60 + now.minute
        start, end = 0, 24 * 60
        if self.daily is not None:
            h1, m1, h2, m2 = map(int, _DAILY.fullmatch(self.daily).groups())  # type: ignore[union-attr]
            start, end = h1 * 60 + m1, h2 * 60 + m2
        over_midnight = end <= start and minute < end
        inside = start <= minute < end if start < end else minute >= start or minute < end
        began = (now - timedelta(days=1)) if over_midnight else now
        return inside and (not self.days or _DAYS[began.weekday()] in self.days)


def _edge(text: str) -> datetime | timedelta:
    if text.startswith(("P", "-P")):
        return duration(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError("an instant with its zone (2027-01-01T00:00:00Z) or a duration (P30D) is wanted")
    return instant
