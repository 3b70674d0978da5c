"""Care plans: for members with lasting conditions, from the day the first of them was noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sandbox.synth.clinical.records import Care, RecordEntry
from sandbox.synth.facts.events import HealthProblem
from sandbox.synth.people.life import Life

TIME = timedelta(days=365)  # to reach the goals


def planned(life: Life, entries: Sequence[RecordEntry]) -> Iterator[RecordEntry]:
    """One plan for all conditions that are on the problem list and have a goal."""
    aims = life.spec.codes.aims
    names = {condition.what.code: name for name, condition in life.spec.codes.chronic.items()}
    noted = [(e, e.what) for e in entries if isinstance(e.what, HealthProblem)]
    aimed = [(entry, problem) for entry, problem in noted if names.get(problem.what.code) in aims]
    if not aimed:
        return
    written = max(entry.written for entry, _ in aimed)
    entry = next(entry for entry, _ in aimed if entry.written == written)
    day = max(problem.day for _, problem in aimed)
    relative = next((r for r in life.member.relatives if r.since <= day), None)
    plan = Care(
        day=day,
        aims=tuple((aims[names[problem.what.code]], problem) for _, problem in aimed),
        due=day + TIME,
        doctor=life.doctor,
        clinic=life.clinic,
        relative=relative,
    )
    yield RecordEntry(written, entry.visit, plan)
