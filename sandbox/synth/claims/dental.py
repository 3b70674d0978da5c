"""Stories of a dentist: a check-up, and a filling where one is needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sandbox.synth.claims import line_items
from sandbox.synth.claims.adjudication import cents
from sandbox.synth.facts import Claim, ClaimLine, Seat
from sandbox.synth.facts.events import Episode
from sandbox.synth.people.life import Life

OFFICE = "11"  # CMS place of service
GROWN_UP = 14  # years: from then on a cleaning is an adult's


def checkup(life: Life, day: date) -> Episode:
    """An examination and a cleaning, now and then with films."""
    cleaning = "cleaning" if life.member.age_on(day) >= GROWN_UP else "cleaning-child"
    services = ["exam", cleaning, *(["bitewings"] if life.rng.random() < 0.5 else [])]
    return Episode((_oral(life, day, tuple(_line(life, name) for name in services)),))


def filling(life: Life, day: date) -> Episode:
    """One back tooth, filled on one or two surfaces."""
    dentistry = life.spec.codes.dentistry
    surfaces = dentistry.surfaces[: life.rng.randint(1, 2)]
    name = "filling-one" if len(surfaces) == 1 else "filling-two"
    tooth = life.rng.choice(dentistry.back_teeth)
    filled = replace(_line(life, name), tooth=tooth, surfaces=tuple(surfaces))
    return Episode((_oral(life, day, (filled,)),))


def _oral(life: Life, day: date, lines: tuple[ClaimLine, ...]) -> Claim:
    dentist = life.rng.choice(life.network.staff(life.dentist))
    team = (Seat("rendering", dentist),)
    return replace(line_items.professional(life, day, life.dentist, team, lines, ()), kind="oral")


def _line(life: Life, name: str) -> ClaimLine:
    service = life.spec.codes.dentistry.services[name]
    return ClaimLine(
        what=service.what,
        units=line_items.ONE,
        charge=cents(service.fee * life.dentist.markup),
        fee=service.fee,
        benefit=service.benefit,
        place=OFFICE,
    )
