"""Coverage of members: spans of days on a line of business, and their policies.

A named member's coverage follows from the role or is written in the file; a drawn
member's is one of the `HISTORIES`, by the shares of population.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from sandbox.synth.config.members import NamedMember
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Organization, Policy, Subscriber

ADULT = 20  # years; no adult's own coverage starts in an earlier calendar year than this
MEDICARE = 66  # years; the first full calendar year after a 65th birthday
FIRST_YEAR = 2016  # the oldest year a payer has to tell of
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class EnrollmentSpan:
    """One stretch of coverage: first and last day (None: still running)."""

    line: str
    start: date
    end: date | None


# --- coverage by role ------------------------------------------------------------------------------


def named(who: NamedMember, today: date) -> tuple[EnrollmentSpan, ...]:
    """The coverage of a subscriber with a name, oldest first."""
    if who.coverage:
        return tuple(
            EnrollmentSpan(c.line, c.start.on(today), c.end.on(today) if c.end else None)
            for c in who.coverage
        )
    start, end = _days_of_role(who.role, today)
    if not who.line or who.before is None:
        return (EnrollmentSpan(who.line or "", start, end),)
    # people change plans with the year: the last but one, so that both have claims in three years
    change = date(today.year - 1, 1, 1)
    return EnrollmentSpan(who.before, start, change - ONE_DAY), EnrollmentSpan(who.line, change, end)


def _days_of_role(role: str, today: date) -> tuple[date, date | None]:
    """Return the first and last day of coverage of somebody with a role."""
    if role == "ineligible":  # until next month
        return (today.replace(day=28) + timedelta(days=4)).replace(day=1), None
    if role.startswith("lapsed-"):
        end = today - timedelta(days=int(role.removeprefix("lapsed-")))
        return date(end.year - 4, 1, 1), end
    return date(today.year - 5, 1, 1), None


# --- coverage by chance ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Chance:
    """The basis of a coverage history: the first day, and the first year that the line accepts."""

    line: str
    start: date
    ripe: int
    rng: Random
    today: date


def _steady(chance: Chance) -> tuple[EnrollmentSpan, ...]:
    return (EnrollmentSpan(chance.line, chance.start, None),)


def _moved(chance: Chance) -> tuple[EnrollmentSpan, ...]:
    """From another line, at a new year between joining and now."""
    years = range(max(chance.start.year + 1, chance.ripe), chance.today.year + 1)
    if not years:
        return _steady(chance)
    change = date(chance.rng.choice(years), 1, 1)
    return EnrollmentSpan(CAME_FROM[chance.line], chance.start, change - ONE_DAY), EnrollmentSpan(
        chance.line, change, None
    )


def _gap(chance: Chance) -> tuple[EnrollmentSpan, ...]:
    """Two to five months without coverage, all of them over."""
    years = range(chance.start.year, chance.today.year - 1)
    if not years:
        return _steady(chance)
    lost = date(chance.rng.choice(years), chance.rng.randint(5, 12), 1)
    again = (lost + timedelta(days=31 * chance.rng.randint(2, 5))).replace(day=1)
    return EnrollmentSpan(chance.line, chance.start, lost - ONE_DAY), EnrollmentSpan(chance.line, again, None)


HISTORIES: dict[str, Callable[[Chance], tuple[EnrollmentSpan, ...]]] = {
    "steady": _steady,
    "veteran": _steady,
    "moved": _moved,
    "gap": _gap,
}
"""How coverage came about (`histories:` of population.yaml) → its stretches."""

CAME_FROM = {
    "commercial": "qhp",
    "qhp": "commercial",
    "medicaid": "qhp",
    "chip": "medicaid",
    "medicare-advantage": "commercial",
}
"""The line that members of a line have moved from."""


def drawn(spec: Spec, line: str, born: date, rng: Random, today: date) -> tuple[EnrollmentSpan, ...]:
    """Return the coverage of a drawn subscriber, who joined lately or in 2016 (`veteran`)."""
    history = rng.choices([*spec.histories], [*spec.histories.values()])[0]
    joined = FIRST_YEAR if history == "veteran" else today.year - rng.randint(1, 6)
    ripe = born.year + _wait(spec, line)
    first = born.year + _wait(spec, CAME_FROM[line]) if history == "moved" else ripe
    year = min(max(joined, min(first, ripe)), today.year - 1)
    return HISTORIES[history](Chance(line, max(date(year, 1, 1), born), ripe, rng, today))


def _wait(spec: Spec, line: str) -> int:
    """The calendar years from birth to a line's first new year."""
    youngest, _ = spec.lines[line].ages
    return MEDICARE if youngest >= 65 else ADULT if youngest >= ADULT else 0


def since_birth(spans: Iterable[EnrollmentSpan], born: date) -> tuple[EnrollmentSpan, ...]:
    """What a subscriber's coverage is to somebody who may have been born during it."""
    return tuple(
        EnrollmentSpan(s.line, max(s.start, born), s.end) for s in spans if s.end is None or s.end >= born
    )


# --- policies --------------------------------------------------------------------------------------


def member_id(number: int) -> str:
    """What stands on the card of a subscriber."""
    return f"JHP{number:06d}{number * 37 % 100:02d}"


def policies(
    spec: Spec, number: int, spans: Sequence[EnrollmentSpan], subscriber: Subscriber | None, order: int = 1
) -> tuple[Policy, ...]:
    """Return the policies of a member, one for each span. `order` 2: another payer pays first."""
    own = f"{subscriber.member_id}-{subscriber.dependent}" if subscriber else member_id(number)
    return tuple(
        Policy(
            id=f"cov-{number:04d}-{index}",
            line=span.line,
            plan=spec.lines[span.line].plan,
            member_id=own,
            start=span.start,
            end=span.end,
            subscriber=subscriber,
            order=order,
        )
        for index, span in enumerate(spans, 1)
    )


def elsewhere(
    spec: Spec, number: int, who: NamedMember, payers: Sequence[Organization], today: date
) -> tuple[Policy, ...]:
    """The coverages that a named member has from other payers, which pay first."""
    by_id = {payer.id: payer for payer in payers}
    return tuple(
        Policy(
            id=f"cov-{number:04d}-other-{index}",
            line=stretch.line,
            plan=spec.other_payers[stretch.line].plan,
            member_id=f"{spec.other_payers[stretch.line].payer_code[:3]}{number:07d}",
            start=stretch.start.on(today),
            end=stretch.end.on(today) if stretch.end else None,
            payer=by_id[stretch.line],
        )
        for index, stretch in enumerate(who.elsewhere, 1)
    )
