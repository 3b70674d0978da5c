"""A member's life: whom they see, how they usually measure, and their own randomness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Network, Organization, Practitioner

LOOK_BACK = date(2016, 1, 1)  # 42 CFR 422.119(h): what a payer has maintained since then
HORIZON = 400  # days after today for which claims are made
FULL_HISTORY = 0.04  # share of members of whom all years are told in full
DAYS_PER_YEAR = 365.25


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

    Things happen to them as a member from `first` to `last`: from 2016 at the earliest, and until some
    time after today, so that a clock that is moved forward finds something new. They are told in full
    from `recent`; of the years before, only the part `calm` of what happens. `denied` is the share of
    claims with a line that is denied by chance, `rejected` that of fills a pharmacy is first refused.
    """

    spec: Spec
    network: Network
    member: CoveredMember
    rng: Random
    today: date
    first: date
    recent: date
    last: date
    calm: float
    denied: float
    rejected: float
    clinic: Organization
    laboratory: Organization
    optician: Organization
    pharmacy: Organization
    ambulance: Organization
    hospital: Organization
    dentist: Organization
    outside: Organization
    specialists: Organization
    physicians: Organization
    body: Body

    @property
    def doctor(self) -> Practitioner:
        return self.member.doctor


def life_of(spec: Spec, providers: Network, member: CoveredMember, rng: Random, today: date) -> Life:
    """The member's life: whom they see is drawn here, once."""
    first, recent, last = _days(spec, member, today)
    clinic = next(o for o in providers.organizations if o.id == member.doctor.workplace)
    return Life(
        spec=spec,
        network=providers,
        member=member,
        rng=rng,
        today=today,
        first=first,
        recent=recent,
        last=last,
        calm=_calm(rng, (recent - first).days),
        denied=spec.denied,
        rejected=spec.rejected,
        clinic=clinic,
        laboratory=rng.choice(providers.of_kind("lab")),
        optician=rng.choice(providers.of_kind("vision")),
        pharmacy=rng.choice(providers.of_kind("pharmacy")),
        ambulance=rng.choice(providers.of_kind("ambulance")),
        hospital=rng.choice(providers.of_kind("hospital")),
        dentist=rng.choice(providers.of_kind("dental")),
        outside=rng.choice(providers.of_kind("outside-clinic")),
        specialists=rng.choice(providers.of_kind("specialist")),
        physicians=rng.choice(providers.of_kind("physicians")),
        body=_body(member, rng),
    )


def _days(spec: Spec, member: CoveredMember, today: date) -> tuple[date, date, date]:
    """First day, the day from which on everything is told, last day."""
    horizon = today + timedelta(days=HORIZON)
    last = min(horizon, member.policies[-1].end or horizon)
    recent = min(last, today) - timedelta(days=round(spec.years * DAYS_PER_YEAR))
    # who left before the look-back begins has what the payer still keeps of the last years
    first = max(member.policies[0].start, LOOK_BACK if last > LOOK_BACK else recent)
    return first, max(recent, first), last


def _calm(rng: Random, days: int) -> float:
    """Return the share of older events that is kept: all for a few members, some months for most."""
    amount = rng.uniform(0.1, 0.6)
    if rng.random() < FULL_HISTORY or not days:
        return 1.0
    return min(1.0, amount * DAYS_PER_YEAR / days)


def _body(member: CoveredMember, rng: Random) -> Body:
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
