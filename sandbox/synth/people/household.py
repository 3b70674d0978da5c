"""Households: people who are insured together.

It is made whole from its own seed, whether all of it is wanted or not: people at the end of a
population never depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.core.members import Account, CoverageSpan
from sandbox.synth.config.name_pools import Pools
from sandbox.synth.config.relationships import DEPENDS_AS
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Network, Person, Relative, Subscriber
from sandbox.synth.people import enrollment
from sandbox.synth.people.enrollment import EnrollmentSpan


@dataclass(frozen=True)
class PopulationContext:
    """What everybody is made from."""

    spec: Spec
    network: Network
    pools: Pools
    seed: int
    today: date


@dataclass(frozen=True)
class Insured:
    """Somebody of a household: a login and, unless they only act for another, a member.

    `rates` is how often in a year each story happens to them.
    """

    account: Account
    member: CoveredMember | None
    rates: Mapping[str, float]


@dataclass(frozen=True)
class Login:
    """Who signs in, as what, and what for. The password is the username and "-pass"."""

    username: str
    role: str
    purpose: str
    portal_opened: bool = True


def account_of(member: CoveredMember, login: Login, relative: Relative | None = None) -> Account:
    """Return a member's login, or the login of a relative who acts for the member."""
    person = relative.person if relative else member.person
    return Account(
        username=login.username,
        password=f"{login.username}-pass",
        patient=member.patient_id,
        name=f"{person.given_name} {person.family}",
        role=login.role,
        birth_date=member.person.birth_date,
        spans=tuple(CoverageSpan(p.line, p.start, p.end) for p in member.policies),
        portal_opened=login.portal_opened,
        purpose=login.purpose,
        fhir_user=f"RelatedPerson/{relative.id}" if relative else "",
    )


Household = tuple[Insured, ...]
"""The subscriber first; their numbers follow each other."""


def dependant(
    world: PopulationContext,
    number: int,
    place: int,
    holder: CoveredMember,
    person: Person,
    relationship: str,
    spans: tuple[EnrollmentSpan, ...],
    conditions: tuple[str, ...],
) -> CoveredMember:
    """A member on the policies of another; from birth, if that was later."""
    covered = enrollment.since_birth(spans, person.birth_date)
    heard = enrolled(covered, world.today, person.birth_date)
    relative = Relative(
        f"rel-{number:04d}-1", holder.person, (DEPENDS_AS[relationship][holder.person.gender],), heard
    )
    subscriber = Subscriber(relative, holder.policies[-1].member_id, relationship, f"{place:02d}")
    return CoveredMember(
        number=number,
        person=person,
        policies=enrollment.policies(world.spec, number, covered, subscriber),
        conditions=conditions,
        enrolled=heard,
        doctor=holder.doctor,
        household=holder.number,
        relatives=(relative,),
    )


def enrolled(spans: tuple[EnrollmentSpan, ...], today: date, born: date | None) -> date:
    """When the payer first heard of somebody: before coverage, but not before birth."""
    heard = min(spans[0].start - timedelta(days=21), today - timedelta(days=7))
    return max(heard, born + timedelta(days=4)) if born else heard
