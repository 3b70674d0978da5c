"""Examinations: what is measured and written at visits beside what the stories measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from random import Random

from sandbox.synth.clinical.records import Growth, Note, RecordEntry, Signs, Tracing
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts.events import Event, Vitals
from sandbox.synth.people.life import Life

HOSPITAL = frozenset({"emergency", "inpatient"})
SIGNS = {"office": 0.2, "emergency": 1.0, "inpatient": 1.0, "wellness": 0.1}
"""Kind of visit → how often pulse, breaths, temperature and oxygen are taken."""

TRACED = 0.5  # share of first wellness visits of the older with an electrocardiogram
OLDER = 45
IRREGULAR = 0.12  # share of tracings without a P-R interval
CHILD, SMALL_CHILD = 20, 3


def examine(
    life: Life, seen: Sequence[Visit], happened: Iterable[Event], rng: Random
) -> Iterator[RecordEntry]:
    """Signs, growth of children, tracings and notes, visit by visit."""
    measured = {e.day for e in happened if isinstance(e, Vitals) and e.weight}
    traced = False
    for visit in seen:
        if rng.random() < SIGNS.get(visit.kind, 0.0):
            yield RecordEntry.at(visit, _signs(visit, rng))
        age = life.member.age_on(visit.day)
        if age < CHILD and visit.day in measured:
            yield RecordEntry.at(visit, _growth(visit, age, rng))
        first = visit.kind == "wellness" and not traced and age >= OLDER and rng.random() < TRACED
        if first or visit.kind in HOSPITAL:
            traced = True
            interval = rng.randrange(126, 198) if rng.random() >= IRREGULAR else None
            yield RecordEntry.at(visit, Tracing(visit.day, interval))
        setting = life.spec.codes.settings[visit.kind]
        if rng.random() < setting.share:
            yield RecordEntry.at(visit, Note(visit.day, setting.note))


def _signs(visit: Visit, rng: Random) -> Signs:
    ill = visit.kind in HOSPITAL
    return Signs(
        day=visit.day,
        pulse=rng.randrange(62, 88) + (14 if ill else 0),
        breaths=rng.randrange(12, 19) + (3 if ill else 0),
        temperature=Decimal(rng.randrange(363, 374) + (8 if ill else 0)) / 10,
        oxygen=rng.randrange(95, 100) - (4 if ill else 0),
        flow=rng.randrange(2, 5) if ill else None,
    )


def _growth(visit: Visit, age: int, rng: Random) -> Growth:
    small = age < SMALL_CHILD
    return Growth(
        day=visit.day,
        bmi=None if small else rng.randrange(8, 95),
        weight=rng.randrange(8, 95) if small else None,
        head=Decimal(rng.randrange(440, 500)) / 10 if small else None,
        head_percentile=rng.randrange(8, 95) if small else None,
    )
