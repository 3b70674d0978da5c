"""A member's years: which stories happen to them, and when.

`live` plans the stories over the days of a member's life. What lies after today is told as well: it
becomes visible when the clock gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain

from sandbox.synth.claims import corrections, hospital, office, prescriptions
from sandbox.synth.claims.prescriptions import YEAR
from sandbox.synth.claims.schedule import days, open_day
from sandbox.synth.config.codes import Vaccine
from sandbox.synth.facts import Claim
from sandbox.synth.facts.events import Episode, Event, HealthProblem
from sandbox.synth.people.life import Life

SHORT = 60  # a member of fewer days has not seen a doctor for a lasting condition yet
SEASON = (date(2000, 9, 15), date(2000, 12, 10))  # influenza vaccinations, day and month
FIRST_GLASSES, FIRST_DENTIST = 3, 3  # years: who is younger has no routine of it
PENDING = timedelta(days=75)  # a visit so long ago may be under appeal today

Plan = Callable[[Life, float], Iterator[Episode]]


def live(life: Life, rates: dict[str, float]) -> tuple[list[Claim], list[Event]]:
    """All claims and events of a member; `rates` says how often in a year each story happens."""
    made_claims: list[Claim] = []
    events: list[Event] = []
    if set(rates) < set(STORIES):
        # somebody to whom only some stories happen shows these, and nothing else by chance
        life = replace(life, denied=0.0, rejected=0.0)
    if life.first <= life.last:
        plans = (plan(life, rates.get(story, 0.0)) for story, plan in STORIES.items())
        for episode in _undisturbed([e for e in chain(_lasting(life), *plans) if _is_covered(life, e)]):
            made_claims.extend(episode.claims)
            events.extend(episode.events)
    return made_claims, events


def _is_covered(life: Life, episode: Episode) -> bool:
    """Whether one policy covers each claim: fills go on while a member has none, and are left out."""
    policies = [(life.member.policy_on(claim.served), claim) for claim in episode.claims]
    return all(policy is not None and policy.covers(claim.last_day) for policy, claim in policies)


def _undisturbed(episodes: list[Episode]) -> Iterator[Episode]:
    """From the day of admission to the day before discharge nothing else happens to somebody.

    The stay gives way to one before it that is not over, and to the visit at which a lasting condition
    was first noted, without which the rest of the record makes no sense.
    """
    noted = [
        c.served
        for e in episodes
        if any(isinstance(event, HealthProblem) for event in e.events)
        for c in e.claims
    ]
    stays: list[Claim] = []
    for stay in (c for e in episodes for c in e.claims if c.kind == "inpatient"):
        apart = all(stay.last_day < other.served or other.last_day < stay.served for other in stays)
        if apart and not any(_within(day, stay) for day in noted):
            stays.append(stay)
    for episode in episodes:
        if any(claim.kind == "inpatient" for claim in episode.claims):
            kept = any(claim is stay for claim in episode.claims for stay in stays)
        else:
            kept = not any(_within(claim.served, stay) for claim in episode.claims for stay in stays)
        if kept:
            yield episode


def _within(day: date, stay: Claim) -> bool:
    return stay.served <= day < stay.last_day


# --- conditions that last --------------------------------------------------------------------------


def _lasting(life: Life) -> Iterator[Episode]:
    """Follow-up visits and, from them, problems, lab panels and prescriptions."""
    conditions = life.member.conditions
    if not conditions or (min(life.last, life.today) - life.first).days < SHORT:
        return
    chronic = life.spec.codes.chronic
    tested: dict[str, date] = {}
    seen = days(life, max(chronic[name].visits for name in conditions))
    for index, day in enumerate(seen):
        problems = [_problem(life, name, day) for name in conditions] if index == 0 else []
        yield office.follow_up(life, day, conditions, problems)
        panels = list(_due_panels(life, day, tested))
        drawn = open_day(day + timedelta(days=life.rng.randrange(3)), life.last)
        if panels:
            yield office.lab_panel(life, drawn, panels, [chronic[name].what for name in conditions])
    for name in conditions:
        yield from _treatment(life, name, seen[0])


def _problem(life: Life, name: str, day: date) -> HealthProblem:
    born = life.member.person.birth_date
    onset = day - timedelta(days=life.rng.randrange(200, 3000))
    grown = born + timedelta(days=18 * YEAR)
    return HealthProblem(
        day, life.spec.codes.chronic[name].what, min(day, max(onset, grown if grown < day else born))
    )


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
        for day, until in _years(life, start):
            if day >= life.recent or life.rng.random() < life.calm:
                yield from prescriptions.order(life, day, drug, condition.what, until=until)


def _years(life: Life, start: date) -> Iterator[tuple[date, date | None]]:
    """The days on which an order begins, each with the day of the next."""
    while start + timedelta(days=YEAR) < life.last:
        following = open_day(start + timedelta(days=YEAR), life.last)
        yield start, following
        start = following
    yield start, None


# --- stories that happen at their own rate ---------------------------------------------------------


def _each(story: Callable[[Life, date], Episode | Iterable[Episode]], youngest: int = 0) -> Plan:
    """Plans a story that is the same every time; it happens to nobody who is younger, in years."""

    def plan(life: Life, rate: float) -> Iterator[Episode]:
        for day in days(life, rate):
            if life.member.age_on(day) < youngest:
                continue
            episodes = story(life, day)
            yield from (episodes,) if isinstance(episodes, Episode) else episodes

    return plan


def _preventive(life: Life, rate: float) -> Iterator[Episode]:
    for index, day in enumerate(days(life, rate)):
        yield office.preventive_visit(life, day, first=index == 0)


def _vision(life: Life, rate: float) -> Iterator[Episode]:
    old_enough = (day for day in days(life, rate) if life.member.age_on(day) >= FIRST_GLASSES)
    for index, day in enumerate(old_enough):
        yield office.vision_exam(life, day, first=index == 0)


def _immunization(life: Life, rate: float) -> Iterator[Episode]:
    """Influenza in the autumns, each with the probability `rate`; the others once, less often."""
    rng = life.rng
    for year in range(life.first.year, life.last.year + 1):
        opens, closes = (day.replace(year=year) for day in SEASON)
        day = open_day(opens + timedelta(days=rng.randrange((closes - opens).days)), life.last)
        likely = rate if day >= life.recent else rate * life.calm
        vaccine = _vaccine(life, "season", day)
        if rng.random() < likely and vaccine and life.first <= day <= life.last:
            yield office.immunization_visit(life, day, vaccine)
    if rng.random() < rate / 3:
        for day in days(life, 1.0)[:1]:
            vaccine = _vaccine(life, "once", day)
            if vaccine:
                yield office.immunization_visit(life, day, vaccine)


def _vaccine(life: Life, every: str, day: date) -> Vaccine | None:
    age = life.member.age_on(day)
    for vaccine in life.spec.codes.vaccines.values():
        (youngest, oldest), (first, last) = vaccine.ages, vaccine.used
        if vaccine.every == every and youngest <= age <= oldest and first <= day <= last:
            return vaccine
    return None


def _coordinated(life: Life, rate: float) -> Iterator[Episode]:
    """Only while another payer covers the member as well."""
    for day in days(life, rate):
        if life.member.elsewhere_on(day):
            yield office.coordinated(life, day)


def _appealed(life: Life, rate: float) -> Iterator[Episode]:
    """At a rate of 1 or more, one of the appeals is under way today."""
    for day in days(life, rate):
        yield corrections.appealed(life, day)
    day = open_day(life.today - PENDING, life.last)
    if rate >= 1 and life.member.policy_on(day):
        yield corrections.appealed(life, day, pending=True)


STORIES: dict[str, Plan] = {
    "preventive-visit": _preventive,
    "illness": _each(office.illness),
    "specialist-visit": _each(office.specialist_visit),
    "immunization": _immunization,
    "vision-exam": _vision,
    "ambulance": _each(office.ambulance),
    "inpatient-stay": _each(hospital.inpatient_stay),
    "emergency-visit": _each(hospital.emergency),
    "outpatient-surgery": _each(hospital.outpatient_surgery),
    "outpatient-treatment": _each(hospital.outpatient_treatment),
    "dental-checkup": _each(office.dental_checkup, FIRST_DENTIST),
    "dental-filling": _each(office.dental_filling, FIRST_DENTIST),
    "compound-prescription": _each(prescriptions.compound),
    "replaced-claim": _each(corrections.replaced),
    "replaced-twice": _each(corrections.replaced_twice),
    "voided-claim": _each(corrections.voided),
    "denied-claim": _each(office.denied),
    "partly-paid-claim": _each(office.partly_paid),
    "out-of-network-visit": _each(office.out_of_network),
    "appealed-claim": _appealed,
    "capitated-encounter": _each(office.capitated),
    "coordinated-claim": _coordinated,
}
"""Story of population.yaml → its plan (life, times in a year)."""
