"""Pools of names and places, sampled once per population from `fixtures/names.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sandbox.synth.facts import Address

SIZE = 300

Shares = dict[str, float]
"""How common each name is."""


@dataclass(frozen=True)
class Names:
    """What names and addresses are made of. It is data of ours, so that a seed makes the same people with
    every release of the library it comes from."""

    female: Shares
    male: Shares
    family: Shares
    street_suffixes: tuple[str, ...]
    city_prefixes: tuple[str, ...]
    city_suffixes: tuple[str, ...]
    postal_codes: dict[str, tuple[int, int]]
    """The first and the last of each state."""


@dataclass(frozen=True)
class Pools:
    """Names and places to draw from; all places are in one state."""

    state: str
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[tuple[str, str], ...]

    def draw_given_name(self, rng: Random, gender: str) -> str:
        return rng.choice(self.female if gender == "female" else self.male)

    def address(self, rng: Random) -> Address:
        city, postal_code = rng.choice(self.places)
        return Address(rng.choice(self.streets), city, self.state, postal_code)


def sample(names: Names, seed: int, state: str) -> Pools:
    """The pools of a seed."""
    rng = Random(f"{seed}:pools")
    return Pools(
        state=state,
        female=_drawn(rng, names.female, SIZE),
        male=_drawn(rng, names.male, SIZE),
        family=_drawn(rng, names.family, SIZE),
        streets=tuple(_street(rng, names) for _ in range(SIZE)),
        places=tuple(_place(rng, names, state) for _ in range(SIZE // 5)),
    )


def _drawn(rng: Random, shares: Shares, count: int) -> tuple[str, ...]:
    return tuple(rng.choices(tuple(shares), tuple(shares.values()), k=count))


def _street(rng: Random, names: Names) -> str:
    (name,) = _drawn(rng, names.family, 1)
    number = rng.randrange(100, 10 ** rng.randint(3, 5))
    home = rng.choice(("", f" Apt. {rng.randrange(100, 1000)}"))
    return f"{number} {name} {rng.choice(names.street_suffixes)}{home}"


def _place(rng: Random, names: Names, state: str) -> tuple[str, str]:
    """A city that does not exist, and a postal code of the state."""
    (name,) = _drawn(rng, names.family, 1)
    prefix, suffix = rng.choice(names.city_prefixes), rng.choice(names.city_suffixes)
    city = rng.choice((f"{prefix} {name}", f"{name}{suffix}", f"{prefix} {name}{suffix}"))
    return city, f"{rng.randint(*names.postal_codes[state]):05d}"


def phone(rng: Random) -> str:
    """A number of the 555-01xx block, which is kept for fiction."""
    return f"503-555-01{rng.randrange(100):02d}"
