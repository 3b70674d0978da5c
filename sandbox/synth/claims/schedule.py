"""Days on which stories happen: spread over a member's years, covered, and on business days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.synth.claims import business_days
from sandbox.synth.people.life import DAYS_PER_YEAR, Life

SETTLED = timedelta(days=210)  # long enough before today for a chain of claims to have come to its end


def days(life: Life, per_year: float) -> list[date]:
    """Days in order, about `per_year` in each of the recent years and fewer in those before.

    A rate of 1 or more gives at least one, long enough ago that everything that follows is told today.
    """
    if per_year <= 0:
        return []
    older = _spread(life, life.first, life.recent - timedelta(days=1), per_year * life.calm)
    dates = [*older, *_spread(life, life.recent, life.last, per_year)]
    if per_year >= 1:
        first, last = life.recent, min(life.last, life.today - SETTLED)
        if not any(first <= day <= last for day in dates):
            dates.extend(_pick_covered(life, first, last) or _pick_covered(life, life.first, life.last))
    return sorted(dates)


def open_day(day: date, last: date) -> date:
    """Return the first business day from `day` on, or the last one until `last` if that is earlier."""
    following = business_days.on_or_after(day)
    return following if following <= last else business_days.on_or_before(last)


def _spread(life: Life, first: date, last: date, per_year: float) -> Iterator[date]:
    """Evenly, with some play."""
    span = (last - first).days + 1
    if span < 1:
        return
    expected = per_year * span / DAYS_PER_YEAR
    count = int(expected) + (life.rng.random() < expected % 1)
    for index in range(count):
        yield from _covered(life, first + timedelta(days=int((index + life.rng.random()) * span / count)))


def _pick_covered(life: Life, first: date, last: date) -> list[date]:
    """One covered day between two, if there is any."""
    span = (last - first).days + 1
    start = life.rng.randrange(span) if span > 0 else 0
    for offset in range(max(span, 0)):
        covered_days = list(_covered(life, first + timedelta(days=(start + offset) % span)))
        if covered_days:
            return covered_days
    return []


def _covered(life: Life, day: date) -> Iterator[date]:
    day = open_day(day, life.last)
    if life.member.policy_on(day):
        yield day
