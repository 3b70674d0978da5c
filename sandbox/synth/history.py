"""A member's years: which stories happen to them, and when.

`live` plans the stories over the days a member was covered, and keeps the episodes whose claims were
paid before today: nothing in the data may be younger than today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

from sandbox.synth import claims, prescriptions
from sandbox.synth.codes import Vaccine
from sandbox.synth.events import Episode, Event, Problem
from sandbox.synth.facts import Claim, Member
from sandbox.synth.life import Life
from sandbox.synth.prescriptions import YEAR
from sandbox.synth.spec import Spec

DAYS_PER_YEAR = 365.25
SHORT = 60  # a member of fewer days has not seen a doctor for a lasting condition yet
SEASON = (date(2000, 9, 15), date(2000, 12, 10))  # influenza vaccinations, day and month


def live(life: Life, rates: dict[str, float]) -> tuple[list[Claim], list[Event]]:
    """All claims and events of a member; `rates` says how often in a year each story happens."""
    first = window_start(life.spec, life.member, life.last)
    made_claims: list[Claim] = []
    events: list[Event] = []
    if first > life.last:
        return made_claims, events
    for episode in _episodes(life, first, rates):
        if all(c.paid < life.today and c.served <= life.last for c in episode.claims):
            made_claims.extend(episode.claims)
            events.extend(episode.events)
    return made_claims, events


def window_start(spec: Spec, member: Member, last: date) -> date:
    """The first day that has claims: some years before the last, but not before coverage."""
    return max(member.policies[0].start, last - timedelta(days=round(spec.years * DAYS_PER_YEAR)))


def _episodes(life: Life, first: date, rates: dict[str, float]) -> Iterator[Episode]:
    yield from _lasting(life, first)
    for story, make in STORIES.items():
        yield from make(life, first, rates.get(story, 0.0))


# --- conditions that last --------------------------------------------------------------------------


def _lasting(life: Life, first: date) -> Iterator[Episode]:
    """Follow-up visits and, from them, problems, lab panels and prescriptions."""
    conditions = life.member.conditions
    if not conditions or (life.last - first).days < SHORT:
        return
    chronic = life.spec.codes.chronic
    visits = spread(life.rng, first, life.last, max(chronic[name].visits for name in conditions))
    tested: dict[str, date] = {}
    for index, day in enumerate(visits):
        problems = [_problem(life, name, day) for name in conditions] if index == 0 else []
        yield claims.follow_up(life, day, conditions, problems)
        panels = list(_due_panels(life, day, tested))
        drawn = weekday(day + timedelta(days=life.rng.randrange(3)), life.last)
        if panels:
            yield claims.lab_panel(life, drawn, panels, [chronic[name].what for name in conditions])
    for name in conditions:
        yield from _treatment(life, name, visits[0])


def _problem(life: Life, name: str, day: date) -> Problem:
    born = life.member.person.birth_date
    onset = day - timedelta(days=life.rng.randrange(200, 3000))
    return Problem(day, life.spec.codes.chronic[name].what, max(onset, born + timedelta(days=18 * YEAR)))


def _due_panels(life: Life, day: date, tested: dict[str, date]) -> Iterator[str]:
    """Panels of this visit: those of every visit, and yearly ones not done for 300 days."""
    for name in life.member.conditions:
        condition = life.spec.codes.chronic[name]
        for panel in (*condition.panels, *condition.yearly):
            due = panel in condition.panels or (day - tested.get(panel, date.min)).days > 300
            if due and tested.get(panel) != day:
                tested[panel] = day
                yield panel


def _treatment(life: Life, name: str, start: date) -> Iterator[Episode]:
    """The condition's drugs, ordered anew every year for as long as the member is covered."""
    condition = life.spec.codes.chronic[name]
    for rank, drug in enumerate(condition.drugs):
        if rank and life.rng.random() < 0.7:
            continue
        day = start
        while day <= life.last:
            following = weekday(day + timedelta(days=YEAR), life.last)
            more = following < life.last
            yield from prescriptions.order(life, day, drug, condition.what, until=following if more else None)
            if not more:
                break
            day = following


# --- stories that happen at their own rate ---------------------------------------------------------


def _preventive(life: Life, first: date, rate: float) -> Iterator[Episode]:
    for index, day in enumerate(spread(life.rng, first, life.last, rate)):
        yield claims.preventive_visit(life, day, first=index == 0)
        if life.rng.random() < 0.4:
            checkup = life.spec.codes.reasons["checkup"]
            yield claims.lab_panel(life, day, ["metabolic", "blood-count"], [checkup])


def _illness(life: Life, first: date, rate: float) -> Iterator[Episode]:
    for day in spread(life.rng, first, life.last, rate):
        yield from claims.illness(life, day)


def _immunization(life: Life, first: date, rate: float) -> Iterator[Episode]:
    """Influenza in the autumns, each with the probability `rate`; the others once, less often."""
    for year in range(first.year, life.last.year + 1):
        opens, closes = (day.replace(year=year) for day in SEASON)
        day = weekday(opens + timedelta(days=life.rng.randrange((closes - opens).days)), life.last)
        vaccine = _vaccine(life, "season", day)
        if life.rng.random() < rate and vaccine and first <= day <= life.last:
            yield claims.immunization_visit(life, day, vaccine)
    if life.rng.random() < rate / 3:
        day = spread(life.rng, first, life.last, 1.0)[0]
        vaccine = _vaccine(life, "once", day)
        if vaccine:
            yield claims.immunization_visit(life, day, vaccine)


def _vaccine(life: Life, every: str, day: date) -> Vaccine | None:
    age = life.member.age_on(day)
    for vaccine in life.spec.codes.vaccines.values():
        (youngest, oldest), (first, last) = vaccine.ages, vaccine.used
        if vaccine.every == every and youngest <= age <= oldest and first <= day <= last:
            return vaccine
    return None


def _vision(life: Life, first: date, rate: float) -> Iterator[Episode]:
    for index, day in enumerate(spread(life.rng, first, life.last, rate)):
        yield claims.vision_exam(life, day, first=index == 0)


def _ambulance(life: Life, first: date, rate: float) -> Iterator[Episode]:
    for day in spread(life.rng, first, life.last, rate):
        yield claims.ambulance(life, day)


STORIES: dict[str, Callable[[Life, date, float], Iterator[Episode]]] = {
    "preventive-visit": _preventive,
    "illness": _illness,
    "immunization": _immunization,
    "vision-exam": _vision,
    "ambulance": _ambulance,
}
"""Story of population.yaml → planner (life, first day, times in a year)."""


# --- days ------------------------------------------------------------------------------------------


def spread(rng: Random, first: date, last: date, per_year: float) -> list[date]:
    """Weekdays from first to last, about `per_year` each year, evenly spread with some play.

    A rate of 1 or more gives at least one day.
    """
    span = (last - first).days + 1
    expected = per_year * span / DAYS_PER_YEAR
    count = int(expected) + (rng.random() < expected % 1)
    if per_year >= 1:
        count = max(count, 1)
    days = (first + timedelta(days=int((i + rng.random()) * span / count)) for i in range(count))
    return [weekday(day, last) for day in days]


def weekday(day: date, last: date) -> date:
    """The day itself, or the Monday after a weekend; never after `last`."""
    return min(day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0), last)
