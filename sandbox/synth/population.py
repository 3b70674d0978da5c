"""The population: seed → network and members, one dossier each, as FHIR.

The same spec, seed and today give the same bytes. Every member has randomness of their own, seeded
by number, so one more member at the end changes nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.core.roster import Account
from sandbox.synth import network, people, pools, render
from sandbox.synth.adjudication import settle
from sandbox.synth.guides import Guides
from sandbox.synth.history import STORIES, live
from sandbox.synth.life import life_of
from sandbox.synth.spec import Spec, load_spec

__all__ = ["Dossier", "Guides", "Spec", "generate", "load_spec"]

DEFAULT = Guides()


@dataclass(frozen=True)
class Dossier:
    """What one member contributes, or the network (account None). Resources in a stable order."""

    account: Account | None
    resources: tuple[dict[str, Any], ...]


def generate(
    spec: Spec, *, members: int, seed: int, today: date, guides: Guides = DEFAULT
) -> Iterator[Dossier]:
    """The network first, then the members, named ones first in the order of their file.

    `members` counts all of them. Nothing in the data is younger than `today`, except the coverage of
    those that are not eligible yet. Raises UsageError before the first dossier.
    """
    if members < 1:
        raise UsageError(f"a population needs at least 1 member, not {members}")
    for rates in (spec.stories, *(who.stories for who in spec.named)):
        for story in rates:
            if story not in STORIES:
                raise UsageError(f"no story {story!r}: known are {', '.join(STORIES)}")
    return _dossiers(spec, members, seed, today, guides)


def _dossiers(spec: Spec, members: int, seed: int, today: date, guides: Guides) -> Iterator[Dossier]:
    names = pools.sample(seed, spec.payer["state"])
    providers = network.build(spec, names, Random(f"{seed}:network"))
    yield Dossier(None, tuple(map(guides.stamp, render.providers(spec, providers, today))))
    for number in range(1, members + 1):
        rng = Random(f"{seed}:member:{number}")
        rates = dict(spec.stories)
        if number <= len(spec.named):
            who = spec.named[number - 1]
            member = people.named(spec, who, number, providers, names, rng, today)
            login = people.login_of(who)
            rates.update(who.stories)
        else:
            member, login = people.drawn(spec, number, providers, names, rng, today)
        life = life_of(spec, providers, member, rng, today)
        claims, events = live(life, rates)
        settled = tuple(settle(member, claims))
        resources = render.member(spec, member, settled, events, today)
        yield Dossier(people.account(member, login), tuple(map(guides.stamp, resources)))
