"""Drawn households: a subscriber by the shares of population.yaml, perhaps with a family."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Gender, Person
from sandbox.synth.people import demographics, enrollment
from sandbox.synth.people.household import (
    Household,
    Insured,
    Login,
    PopulationContext,
    account_of,
    dependant,
    enrolled,
)

MAJORITY = 18  # years
PARENTS = (26, 60)  # ages of subscribers who may have a family
CHILDREN = ((0, 20), (1, 40), (2, 30), (3, 10))  # how many there are → share
MARRIED = 0.75  # of those with a family
OLDEST_CHILD = 22  # years


def drawn_household(world: PopulationContext, first: int, index: int) -> Household:
    """A subscriber without a name in the file, covered today, and perhaps a family."""
    spec, pools, today = world.spec, world.pools, world.today
    rng = Random(f"{world.seed}:household:{index}")
    line = demographics.weighted(rng, [(name, business.share) for name, business in spec.lines.items()])
    age = rng.randint(*spec.lines[line].ages)
    born = demographics.birth_date(rng, age, today)
    home = demographics.home(spec, pools, rng)
    head = demographics.drawn(pools, rng.choice(pools.family), born, home, rng)
    spans = enrollment.drawn(spec, line, born, rng, today)
    subscriber = CoveredMember(
        number=first,
        person=head,
        policies=enrollment.policies(spec, first, spans, None),
        conditions=demographics.conditions(spec, age, rng),
        enrolled=enrolled(spans, today, born),
        doctor=demographics.doctor(world.network, rng),
        household=first,
    )
    members = [subscriber]
    if rng.random() < spec.lines[line].families and PARENTS[0] <= age <= PARENTS[1]:
        for place, (relationship, person) in enumerate(_family(world, head, age, home, rng), 1):
            have = demographics.conditions(spec, _age(person.birth_date, today), rng)
            members.append(
                dependant(world, first + place, place, subscriber, person, relationship, spans, have)
            )
    return tuple(
        Insured(account_of(m, _login(spec, m, today, rng)), m, spec.rates(line, m.age_on(today)))
        for m in members
    )


def _family(
    world: PopulationContext, head: Person, age: int, home: demographics.Home, rng: Random
) -> Iterator[tuple[str, Person]]:
    """What each is to the subscriber, and who they are; at least one."""
    children = demographics.weighted(rng, CHILDREN)
    if rng.random() < MARRIED or not children:
        other: Gender = "male" if head.gender == "female" else "female"
        born = demographics.birth_date(rng, max(MAJORITY + 4, age + rng.randint(-4, 4)), world.today)
        given_name = world.pools.draw_given_name(rng, other)
        yield "spouse", demographics.person(given_name, head.family, other, born, home)
    for _ in range(children):
        born = demographics.birth_date(rng, rng.randint(1, min(OLDEST_CHILD, age - 24)), world.today)
        yield "child", demographics.drawn(world.pools, head.family, born, home, rng)


def _login(spec: Spec, member: CoveredMember, today: date, rng: Random) -> Login:
    """Minors and children of subscribers have a login, but it is not theirs to be graded by."""
    policy = member.policies[-1]
    child = policy.subscriber is not None and policy.subscriber.relationship == "child"
    role = "dependant" if child or member.age_on(today) < MAJORITY else "eligible"
    return Login(f"member-{member.number:03d}", role, "", rng.random() < spec.opened_portal)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
