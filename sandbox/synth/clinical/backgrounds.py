"""Background of a member, noted at the first known visit: allergies and implants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from sandbox.synth.clinical.records import Allergy, Carried, Done, RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts.care import Implant
from sandbox.synth.people.life import Life

OPERATIONS = {
    "0SRC": "knee",
    "0SRD": "knee",
    "0SR": "hip",
    "0JH": "pacemaker",
    "02H": "pacemaker",
    "027": "stent",
}
"""ICD-10-PCS codes that start so leave an implant in the body; the longest of them counts."""


def note_background(life: Life, seen: Sequence[Visit], rng: Random) -> Iterator[RecordEntry]:
    """Allergies, devices and what was done at the visits. Every share is drawn: each stands by itself."""
    first = seen[0]
    codes = life.spec.codes
    born = life.member.person.birth_date.year
    surely = life.member.surely
    for name, allergen in codes.allergens.items():
        if rng.random() < allergen.share or name in surely:
            onset = rng.randrange(born + 2, first.day.year) if first.day.year > born + 2 else born
            yield RecordEntry.at(first, Allergy(first.day, allergen, onset))
    age = life.member.age_on(first.day)
    for name, implant in codes.implants.items():
        youngest, oldest = implant.ages
        if (rng.random() < implant.share and youngest <= age <= oldest) or name in surely:
            years_ago = rng.randrange(1, min(implant.years, 8))
            manufactured = first.day - timedelta(days=365 * years_ago + rng.randrange(300))
            yield RecordEntry.at(first, _carried(first.day, implant, manufactured, rng))
    yield from _done(life, seen, rng)


def _done(life: Life, seen: Sequence[Visit], rng: Random) -> Iterator[RecordEntry]:
    """Operations of a stay, and the services of a claim that are something done."""
    codes = life.spec.codes
    for visit in seen:
        stay = visit.claim.stay
        for operation in stay.operations if stay else ():
            name = next((v for k, v in OPERATIONS.items() if operation.what.code.startswith(k)), None)
            left = None
            if name:
                left = _carried(operation.day, codes.implants[name], operation.day - timedelta(days=200), rng)
                yield RecordEntry.at(visit, left)
            yield RecordEntry.at(visit, Done(operation.day, operation.what, left))
        for line in visit.claim.lines:
            if line.what.code in codes.procedures and not line.denial:
                yield RecordEntry.at(visit, Done(visit.day, line.what, None))


def _carried(day: date, implant: Implant, manufactured: date, rng: Random) -> Carried:
    return Carried(
        day, implant, manufactured, f"L{rng.randrange(10_000):04d}", f"S{rng.randrange(10_000_000):07d}"
    )
