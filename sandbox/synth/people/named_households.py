"""Households with names: what entries of `fixtures/members.yaml` describe."""

from __future__ import annotations

from datetime import date
from random import Random

from sandbox.synth.config.members import NamedMember
from sandbox.synth.config.relationships import ACTS_AS, POWER_OF_ATTORNEY
from sandbox.synth.facts import CoveredMember, Duplicate, FormerName, Person, Relative
from sandbox.synth.people import demographics, enrollment
from sandbox.synth.people.demographics import Home
from sandbox.synth.people.household import (
    Household,
    Insured,
    Login,
    PopulationContext,
    account_of,
    dependant,
    enrolled,
)


def named_household(world: PopulationContext, first: int, group: tuple[NamedMember, ...]) -> Household:
    """The subscriber, numbered `first`, and those that stand behind in the file."""
    rng = Random(f"{world.seed}:member:{first}")
    home = demographics.home(world.spec, world.pools, rng)
    doctor = demographics.doctor(world.network, rng)
    subscriber, *others = group
    # the file may make anybody act for the subscriber; they live in a home of their own
    acting = [who for who in others if who.acts]
    helpers = {
        who.username: _helper(
            world,
            f"rel-{first:04d}-{index}",
            who,
            subscriber,
            demographics.home(world.spec, world.pools, rng),
        )
        for index, who in enumerate(acting, 1)
    }
    spans = enrollment.named(subscriber, world.today)
    person = _person(subscriber, home, world.today)
    head = CoveredMember(
        number=first,
        person=person,
        policies=enrollment.policies(world.spec, first, spans, None, order=2 if subscriber.elsewhere else 1),
        conditions=subscriber.conditions,
        enrolled=enrolled(spans, world.today, person.birth_date),
        doctor=doctor,
        household=first,
        relatives=(*helpers.values(), *_kin(world, first, len(helpers) + 1, subscriber, home)),
        elsewhere=enrollment.elsewhere(
            world.spec, first, subscriber, world.network.other_payers, world.today
        ),
        duplicates=_duplicates(first, subscriber, world.today),
        surely=subscriber.surely,
    )
    members = {subscriber.username: head}
    for place, who in enumerate((who for who in others if not who.acts), 1):
        covered = enrollment.named(who, world.today) if who.coverage else spans
        members[who.username] = dependant(
            world,
            number=first + group.index(who),
            place=place,
            holder=head,
            person=_person(who, home, world.today),
            relationship=who.relation or "",
            spans=covered,
            conditions=who.conditions,
        )
    return tuple(
        _insured(world, who, head, members.get(who.username), helpers.get(who.username)) for who in group
    )


def _insured(
    world: PopulationContext,
    who: NamedMember,
    head: CoveredMember,
    member: CoveredMember | None,
    helper: Relative | None,
) -> Insured:
    login = Login(who.username, who.role, who.purpose, who.role != "not-opted-in")
    if helper:
        return Insured(account_of(head, login, helper), None, {})
    assert member, "somebody who does not act for another is a member"
    usual = world.spec.rates(member.policies[-1].line, member.age_on(world.today))
    rates = who.stories if who.only else {**usual, **who.stories}
    return Insured(account_of(member, login), member, rates)


def _person(who: NamedMember, home: Home, today: date) -> Person:
    former = (
        (FormerName(who.given_name, who.renamed.family, who.renamed.until.on(today)),) if who.renamed else ()
    )
    return demographics.person(who.given_name, who.family, who.gender, who.born.on(today), home, former)


def _helper(
    world: PopulationContext, ident: str, who: NamedMember, subscriber: NamedMember, home: Home
) -> Relative:
    person = _person(who, home, world.today)
    roles = ACTS_AS[who.relation or ""][person.gender], POWER_OF_ATTORNEY
    return Relative(
        ident, person, roles, enrolled(enrollment.named(subscriber, world.today), world.today, None)
    )


def _kin(
    world: PopulationContext, number: int, place: int, subscriber: NamedMember, home: Home
) -> tuple[Relative, ...]:
    """A relative at the same address, whom the payer only knows by name."""
    if subscriber.kin is None:
        return ()
    person = demographics.person(
        subscriber.kin.given_name,
        subscriber.family,
        subscriber.kin.gender,
        subscriber.kin.born.on(world.today),
        home,
    )
    role = ACTS_AS[subscriber.kin.relation][person.gender]
    heard = enrolled(enrollment.named(subscriber, world.today), world.today, None)
    return (Relative(f"rel-{number:04d}-{place}", person, (role,), heard),)


def _duplicates(number: int, who: NamedMember, today: date) -> tuple[Duplicate, ...]:
    if who.doubled is None:
        return ()
    return (
        Duplicate(
            patient_id=f"mbr-{number:04d}-2",
            member_id=f"{enrollment.member_id(number)}-X",
            given_name=who.doubled.given_name,
            since=who.doubled.since.on(today),
            merged=who.doubled.merged.on(today),
        ),
    )
