"""The laboratory: results of one day belong to panels, and each panel to an order of the visit before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from sandbox.synth.clinical.records import LabOrder, RecordEntry
from sandbox.synth.clinical.visits import Calendar
from sandbox.synth.facts.events import LabResult
from sandbox.synth.people.life import Life

ORDERED_BEFORE = 5  # days at most between the visit and the drawing
LOST = 0.02  # share of tests that gave no value


def orders(
    life: Life, results: Iterable[LabResult], calendar: Calendar, rng: Random
) -> Iterator[RecordEntry]:
    """One order for each panel and day; a test that is in no panel is a panel of its own."""
    panel_of = {test: name for name, panel in life.spec.codes.panels.items() for test in panel.tests}
    names = {test.what.code: panel_of.get(name, name) for name, test in life.spec.codes.tests.items()}
    grouped: dict[tuple[object, str], list[LabResult]] = {}
    for result in results:
        code = result.test.what.code
        grouped.setdefault((result.day, names.get(code, code)), []).append(result)
    for (_, panel), same_panel in grouped.items():
        day = same_panel[0].day
        visit = calendar.before(day, ORDERED_BEFORE)
        order = LabOrder(
            day=day,
            ordered=visit.day if visit else day,
            panel=panel,
            results=tuple(same_panel),
            lost=frozenset(r.test.what.code for r in same_panel if rng.random() < LOST),
            laboratory=same_panel[0].laboratory,
            requester=visit.by if visit else None,
            reason=visit.reasons[0] if visit and visit.reasons else None,
        )
        yield RecordEntry(max(day, visit.last) if visit else day, visit, order)
