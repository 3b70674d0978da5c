"""Parts of claims: lines at the provider's prices, and the days of their processing.

Stories (`office`, `hospital`, `prescriptions`, `corrections`) put these together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from sandbox.synth.claims import business_days
from sandbox.synth.claims.adjudication import cents
from sandbox.synth.config.billing_codes import Admission, Attendance
from sandbox.synth.config.codes import Referral, Service
from sandbox.synth.facts import Claim, ClaimLine, Denial, Organization, Seat, Term
from sandbox.synth.people.life import Life

ONE = Decimal(1)

Kind = TypeVar("Kind", Admission, Attendance, Referral)


def choose(life: Life, kinds: Mapping[str, Kind], day: date) -> Kind:
    """Draw one of the things that may happen at the member's age."""
    age = life.member.age_on(day)
    fitting = [name for name in sorted(kinds) if kinds[name].ages[0] <= age <= kinds[name].ages[1]]
    return kinds[life.rng.choice(fitting)]


def course(life: Life, after: date) -> tuple[date, date, date]:
    """Return the days on which a professional claim is received, processed and paid."""
    rng = life.rng
    received = business_days.on_or_after(after + timedelta(days=rng.randrange(2, 8)))
    processed = business_days.on_or_after(received + timedelta(days=rng.randrange(2, 11)))
    paid = business_days.on_or_after(processed + timedelta(days=rng.randrange(2, 6)))
    return received, processed, paid


def line(life: Life, name: str, provider: Organization, units: Decimal | None = None) -> ClaimLine:
    """Return a line for a service of services.yaml, at the provider's price."""
    service = life.spec.codes.services[name]
    return _priced(service, provider.markup, service.units if units is None else units)


@lru_cache(maxsize=4096)
def _priced(service: Service, markup: Decimal, units: Decimal) -> ClaimLine:
    fee = service.fee * units
    return ClaimLine(
        what=service.what,
        units=units,
        charge=cents(fee * markup),
        fee=cents(fee),
        benefit=service.benefit,
        place=service.place,
        revenue=service.revenue,
    )


def visit(life: Life, day: date, services: Sequence[str], diagnoses: Sequence[Term]) -> Claim:
    """A visit to the member's own doctor. The seats are those of a family practice."""
    team = (Seat("rendering", life.doctor), Seat("primary", life.doctor))
    lines = tuple(line(life, name, life.clinic) for name in services)
    return professional(life, day, life.clinic, team, lines, diagnoses)


def professional(
    life: Life,
    day: date,
    provider: Organization,
    team: tuple[Seat, ...],
    lines: tuple[ClaimLine, ...],
    diagnoses: Sequence[Term],
    through: date | None = None,
) -> Claim:
    """A claim of one day, or of the days until `through`, with everything covered."""
    received, processed, paid = course(life, through or day)
    return Claim(
        kind="professional",
        served=day,
        received=received,
        processed=processed,
        paid=paid,
        provider=provider,
        team=team,
        diagnoses=tuple(diagnoses),
        lines=lines,
        through=through,
    )


def chanced(life: Life, claim: Claim) -> Claim:
    """The claim, in which now and then one line is denied."""
    if life.rng.random() >= life.denied:
        return claim
    unlucky = life.rng.randrange(len(claim.lines))
    return deny(claim, any_denial(life), unlucky)


def deny(claim: Claim, why: Denial, number: int | None = None) -> Claim:
    """The claim with one of its lines denied (counted from 0), or all of them."""
    lines = tuple(
        replace(line, denial=why) if number is None or index == number else line
        for index, line in enumerate(claim.lines)
    )
    return replace(claim, lines=lines)


def any_denial(life: Life) -> Denial:
    """A reason that may befall any visit; who is outside the network is not by chance."""
    denials = life.spec.codes.denials
    return denials[life.rng.choice([name for name in sorted(denials) if name != "out-of-network"])]
