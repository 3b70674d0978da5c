"""Pools of names and places, sampled from Faker once per population: afterwards a draw is cheap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from sandbox.synth.facts import Address

SIZE = 300


@dataclass(frozen=True)
class Pools:
    """Names and places to draw from; all places are in one state."""

    state: str
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[tuple[str, str], ...]

    def given(self, rng: Random, gender: str) -> str:
        return rng.choice(self.female if gender == "female" else self.male)

    def address(self, rng: Random) -> Address:
        city, postal_code = rng.choice(self.places)
        return Address(rng.choice(self.streets), city, self.state, postal_code)


def sample(seed: int, state: str) -> Pools:
    """The pools of a seed. Importing Faker takes a while, so it happens here and not at import."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(f"{seed}:pools")

    def many(draw: Callable[[], str]) -> tuple[str, ...]:
        return tuple(draw() for _ in range(SIZE))

    return Pools(
        state=state,
        female=many(fake.first_name_female),
        male=many(fake.first_name_male),
        family=many(fake.last_name),
        streets=many(fake.street_address),
        places=tuple((fake.city(), fake.postcode_in_state(state)) for _ in range(SIZE // 5)),
    )


def phone(rng: Random) -> str:
    """A number of the 555-01xx block, which is kept for fiction."""
    return f"503-555-01{rng.randrange(100):02d}"
