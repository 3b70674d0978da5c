"""The population: seed → network and members, one dossier each, as FHIR.

The same spec, seed and today give the same bytes. Every household and every life has randomness of
its own, seeded by number, so one more member at the end changes nobody else. The last household may
be cut: it is lived and settled whole, and only those that are wanted are told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count, islice
from random import Random
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.core.members import Account
from sandbox.synth.claims.history import STORIES, live
from sandbox.synth.claims.settlement import settle_family
from sandbox.synth.clinical import record_builder
from sandbox.synth.config import members, name_pools
from sandbox.synth.config.spec import Spec, load_spec
from sandbox.synth.fhir import registry
from sandbox.synth.fhir.guides import Guides
from sandbox.synth.fhir.resource import Resource
from sandbox.synth.people import network
from sandbox.synth.people.drawn_households import drawn_household
from sandbox.synth.people.household import Household, PopulationContext
from sandbox.synth.people.life import life_of
from sandbox.synth.people.named_households import named_household

__all__ = ["Dossier", "Guides", "Spec", "generate", "load_spec"]

DEFAULT = Guides()


@dataclass(frozen=True)
class Dossier:
    """What one person contributes, or the network (account None). Resources in a stable order.

    Somebody who only acts for a member has an account and no resources. A resource that changed is
    there once for each version, the oldest first.
    """

    account: Account | None
    rendered: tuple[Resource, ...]

    @cached_property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """The resources as dictionaries, for whoever wants to look inside."""
        return tuple(resource.parsed() for resource in self.rendered)


def check(spec: Spec, members: int) -> None:
    """Raises UsageError for a population that cannot be made."""
    if members < 1:
        raise UsageError(f"a population needs at least 1 member, not {members}")
    of_lines = [business.stories for business in spec.lines.values()]
    named = {*spec.stories}.union(*of_lines, *(member.stories for member in spec.named))
    if unknown := sorted(named - set(STORIES)):
        raise UsageError(f"no story {unknown[0]!r}; use one of {', '.join(STORIES)}")


def generate(
    spec: Spec, *, members: int, seed: int, today: date, guides: Guides = DEFAULT
) -> Iterator[Dossier]:
    """The network first, then the people, named ones first in the order of their file.

    `members` counts everybody with a login. Claims go on after `today`; what is not visible yet
    has a `lastUpdated` that is still to come. Raises UsageError before the first dossier.
    """
    check(spec, members)
    return _dossiers(spec, members, seed, today, guides)


def _dossiers(spec: Spec, members: int, seed: int, today: date, guides: Guides) -> Iterator[Dossier]:
    world = world_of(spec, seed, today)
    yield providers(world, guides)
    dossiers = (dossier for household in households(world) for dossier in lived(world, household, guides))
    yield from islice(dossiers, members)


def world_of(spec: Spec, seed: int, today: date) -> PopulationContext:
    """What everybody of a population is made from; the same in every process that makes it."""
    names = name_pools.sample(spec.names, seed, spec.payer.state)
    return PopulationContext(spec, network.build(spec, names, Random(f"{seed}:network")), names, seed, today)


def providers(world: PopulationContext, guides: Guides) -> Dossier:
    """The payer and its network."""
    return Dossier(None, tuple(registry.providers(world.spec, world.network, world.today, guides)))


def households(world: PopulationContext) -> Iterator[Household]:
    """Yield the named households, then drawn ones without end; members are numbered on."""
    number = 1
    for group in members.households(world.spec.named):
        yield named_household(world, number, group)
        number += len(group)
    for index in count(1):
        household = drawn_household(world, number, index)
        yield household
        number += len(household)


def lived(world: PopulationContext, household: Household, guides: Guides) -> Iterator[Dossier]:
    """What happened to each of a household, their claims settled together."""
    members = [(insured.member, insured.rates) for insured in household if insured.member]
    lives = {}
    for member, rates in members:
        life = life_of(
            world.spec, world.network, member, Random(f"{world.seed}:life:{member.number}"), world.today
        )
        lives[member.number] = life, *live(life, dict(rates))
    settled = settle_family([(member, lives[member.number][1]) for member, _ in members])
    for insured in household:
        rendered: tuple[Resource, ...] = ()
        if insured.member:
            number = insured.member.number
            life, _, events = lives[number]
            entries = record_builder.derive(life, settled[number], events)
            rendered = tuple(
                registry.member(world.spec, insured.member, settled[number], entries, world.today, guides)
            )
        yield Dossier(insured.account, rendered)
