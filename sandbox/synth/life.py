"""A member's life: whom they see, how they usually measure, and their own randomness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.synth.facts import Member, Network, Organisation, Practitioner
from sandbox.synth.spec import Spec


@dataclass(frozen=True)
class Body:
    """How a member usually measures: kg, cm, mmHg."""

    weight: Decimal
    height: Decimal
    systolic: int
    diastolic: int


@dataclass(frozen=True)
class Life:
    """All that stories draw on: the member, whom they see, how they are, their own randomness.

    `last` is the last day on which something can happen to them as a member.
    """

    spec: Spec
    network: Network
    member: Member
    rng: Random
    today: date
    last: date
    clinic: Organisation
    laboratory: Organisation
    optician: Organisation
    pharmacy: Organisation
    ambulance: Organisation
    body: Body

    @property
    def doctor(self) -> Practitioner:
        return self.member.doctor


def life_of(spec: Spec, providers: Network, member: Member, rng: Random, today: date) -> Life:
    """The member's life: whom they see is drawn here, once."""
    yesterday = today - timedelta(days=1)
    clinic = next(o for o in providers.organisations if o.id == member.doctor.workplace)
    return Life(
        spec=spec,
        network=providers,
        member=member,
        rng=rng,
        today=today,
        last=min(yesterday, member.policies[-1].end or yesterday),
        clinic=clinic,
        laboratory=rng.choice(providers.of_kind("lab")),
        optician=rng.choice(providers.of_kind("vision")),
        pharmacy=rng.choice(providers.of_kind("pharmacy")),
        ambulance=rng.choice(providers.of_kind("ambulance")),
        body=_body(member, rng),
    )


def _body(member: Member, rng: Random) -> Body:
    middle = Decimal("162.0") if member.person.gender == "female" else Decimal("176.0")
    height = middle + Decimal(rng.randrange(-120, 121)) / 10
    bmi = Decimal(rng.randrange(200, 345)) / 10 + (3 if "diabetes" in member.conditions else 0)
    raised = 14 if "hypertension" in member.conditions else 0
    return Body(
        weight=(bmi * height * height / 10000).quantize(Decimal("0.1")),
        height=height,
        systolic=rng.randrange(110, 128) + raised,
        diastolic=rng.randrange(68, 80) + raised // 2,
    )
