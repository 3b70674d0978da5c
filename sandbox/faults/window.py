"""Time windows of the payer's clock in which a rule applies."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sandbox.core.clock import duration

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class Window(BaseModel):
    """A time window; all of its keys must match.

    `after` and `before` are instants with a time zone (2027-01-01T00:00:00Z), or ISO 8601 durations: how far
    the payer's clock has been moved ahead (`after: P30D`). `daily` is a time span of every day in UTC
    ("22:30-04:00" crosses midnight), `days` the days on which it begins.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = None
    before: str | None = None
    daily: str | None = Field(None, pattern=f"^{_DAILY.pattern}$")
    days: list[Day] = []

    @field_validator("after", "before", mode="before")
    @classmethod
    def _is_edge(cls, value: object) -> object:
        # A parameter of the kind duration arrives as its seconds.
        text = f"PT{value}S" if isinstance(value, (int, float)) else value
        if isinstance(text, str):
            _parse_edge(text)
        return text

    @model_validator(mode="after")
    def _is_limited(self) -> Window:
        if not (self.after or self.before or self.daily or self.days):
            raise ValueError("a window has after, before, daily or days")
        return self

    def idle(self) -> str:
        """Return why the window never opens; "" when it does."""
        if self.after is not None and self.before is not None:
            after, before = _parse_edge(self.after), _parse_edge(self.before)
            if type(after) is type(before) and after >= before:  # type: ignore[operator]
                return "it ends before it begins"
        return ""

    def is_open(self, now: datetime, ahead: timedelta) -> bool:
        """Return whether the window is open. `ahead` is how far the payer's clock was moved."""

        def has_passed(text: str | None) -> bool:
            edge = _parse_edge(text) if text is not None else None
            return edge is not None and (now >= edge if isinstance(edge, datetime) else ahead >= edge)

        has_begun = self.after is None or has_passed(self.after)
        return has_begun and not has_passed(self.before) and self._is_open_on(now.astimezone(UTC))

    def _is_open_on(self, now: datetime) -> bool:
        began = now
        if self.daily is not None:
            start, end = (time.fromisoformat(text) for text in self.daily.split("-"))
            at = now.time()
            crosses_midnight = end <= start
            if crosses_midnight and at < end:
                began = now - timedelta(days=1)
            elif at < start or (at >= end and not crosses_midnight):
                return False
        return not self.days or _DAYS[began.weekday()] in self.days


def _parse_edge(text: str) -> datetime | timedelta:
    if text.startswith(("P", "-P")):
        return duration(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError("needs an instant with a time zone (2027-01-01T00:00:00Z) or a duration (P30D)")
    return instant
