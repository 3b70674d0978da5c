"""Business days: the working week without the federal holidays of the United States (5 U.S.C. 6103).

A holiday on a Saturday is observed on the Friday before, one on a Sunday on the Monday after.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6

FIXED = ((1, 1), (7, 4), (11, 11), (12, 25))
"""Month and day: New Year, Independence, Veterans, Christmas."""

FLOATING = ((1, MONDAY, 3), (2, MONDAY, 3), (9, MONDAY, 1), (10, MONDAY, 2), (11, THURSDAY, 4))
"""Month, weekday, which of the month: King, Presidents, Labor, Columbus, Thanksgiving."""

JUNETEENTH_SINCE = 2021  # Public Law 117-17


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """The days of a calendar year on which federal offices are closed for a holiday."""
    fixed = [date(year, month, day) for month, day in FIXED]
    if year >= JUNETEENTH_SINCE:
        fixed.append(date(year, 6, 19))
    # the New Year of the next year may be observed on the last day of this one
    fixed.append(date(year + 1, 1, 1))
    memorial = date(year, 5, 31)
    observed = {_observed(day) for day in fixed} | {memorial - DAY * memorial.weekday()}
    observed |= {_nth(year, month, weekday, nth) for month, weekday, nth in FLOATING}
    return frozenset(day for day in observed if day.year == year)


def is_open(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in holidays(day.year)


@lru_cache(maxsize=65536)
def on_or_after(day: date) -> date:
    """The day itself if it is a business day, or else the next one."""
    while not is_open(day):
        day += DAY
    return day


def on_or_before(day: date) -> date:
    """The day itself if it is a business day, or else the one before."""
    while not is_open(day):
        day -= DAY
    return day


def after(day: date) -> date:
    """The first business day after a day."""
    return on_or_after(day + DAY)


def _observed(day: date) -> date:
    if day.weekday() == SATURDAY:
        return day - DAY
    return day + DAY if day.weekday() == SUNDAY else day


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (nth - 1))
