"""People: their names, places and lasting conditions, drawn from pools and shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from sandbox.synth.config.name_pools import Pools, phone
from sandbox.synth.config.spec import AGE_BANDS, Spec
from sandbox.synth.facts import Address, FormerName, Gender, Network, Person, Practitioner, Term

T = TypeVar("T")


@dataclass(frozen=True)
class Home:
    """What people who live together share."""

    address: Address
    phone: str
    race: Term
    ethnicity: Term


def home(spec: Spec, pools: Pools, rng: Random) -> Home:
    return Home(pools.address(rng), phone(rng), weighted(rng, spec.races), weighted(rng, spec.ethnicities))


def person(
    given_name: str, family: str, gender: Gender, born: date, at: Home, former: tuple[FormerName, ...] = ()
) -> Person:
    return Person(given_name, family, gender, born, at.address, at.phone, at.race, at.ethnicity, former)


def drawn(pools: Pools, family: str, born: date, at: Home, rng: Random) -> Person:
    """Somebody of this family name and birth date."""
    gender: Gender = rng.choice(("female", "male"))
    return person(pools.draw_given_name(rng, gender), family, gender, born, at)


def birth_date(rng: Random, age: int, today: date) -> date:
    """The birth date of somebody who is `age` years old today."""
    # the 29th of February has no anniversary in most years
    birthday = today.replace(year=today.year - age, day=min(today.day, 28))
    return birthday - timedelta(days=rng.randrange(365))


def conditions(spec: Spec, age: int, rng: Random) -> tuple[str, ...]:
    """The lasting conditions of somebody of an age."""
    band = sum(age >= limit for limit in AGE_BANDS)
    # every condition is drawn, so that a change of one probability does not disturb the others
    have = tuple(name for name, shares in spec.prevalence.items() if rng.random() < shares[band])
    return have[: spec.most_conditions]


def doctor(network: Network, rng: Random) -> Practitioner:
    """The doctor somebody usually sees."""
    clinic = rng.choice(network.of_kind("clinic"))
    return rng.choice(network.staff(clinic))


def weighted(rng: Random, shares: list[tuple[T, float]] | tuple[tuple[T, float], ...]) -> T:
    return rng.choices([value for value, _ in shares], [share for _, share in shares])[0]
