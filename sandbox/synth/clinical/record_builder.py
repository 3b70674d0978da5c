"""Build the clinical record that a payer holds, from a member's claims and events.

A record has what the claims explain: a member without claims has next to none. It reaches some thirteen
months back from the last claim before today, and less where there are very many claims; problems and the
orders of recent fills may be older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from random import Random

from sandbox.synth.clinical import backgrounds, examinations, interviews
from sandbox.synth.clinical.records import Care, Dispensing, LabOrder, Measured, Order, Record, RecordEntry
from sandbox.synth.clinical.visits import Calendar, Visit, visits
from sandbox.synth.facts import Settled
from sandbox.synth.facts.events import (
    ClinicalFinding,
    Event,
    HealthProblem,
    LabResult,
    Prescription,
    Vaccination,
    Vitals,
)
from sandbox.synth.people.life import Life

WINDOW = timedelta(days=400)
MOST_BEFORE, MOST_AFTER = 150, 90
"""How many claims a record is made from at most: the last before today, and the first from today on."""

UNHEARD, UNWEIGHED = 0.01, 0.03  # shares of vitals that lack something
ORDERED_BEFORE = 5  # days at most between the visit and the drawing of blood
LOST = 0.02  # share of tests that gave no value
GOAL_TIME = timedelta(days=365)  # to reach the goals of a care plan
LONGEST = timedelta(days=400)  # an order is not older than this when it is filled for the last time


def derive(life: Life, settled: Sequence[Settled], events: Iterable[Event]) -> list[RecordEntry]:
    """Return the member's record by the day of writing; a visit comes before its notes.

    Its randomness is the member's own: one number is drawn from `life.rng`.
    """
    rng = Random(life.rng.getrandbits(64))
    settled, since, until = _recent(life, settled)
    chronic = frozenset(condition.what.code for condition in life.spec.codes.chronic.values())
    seen = visits(settled, chronic)
    calendar = Calendar(seen)
    happened = [e for e in events if since <= e.day <= until or isinstance(e, HealthProblem)]
    results = [e for e in happened if isinstance(e, LabResult)]
    entries = [RecordEntry.at(visit, visit) for visit in seen]
    entries += _happened(happened, calendar, rng)
    entries += _medicines(events, settled, calendar)
    entries += _lab_orders(life, results, calendar, rng)
    entries += _diagnoses(seen, happened, chronic, rng)
    if seen:
        entries += backgrounds.note_background(life, seen, rng)
        entries += examinations.examine(life, seen, happened, rng)
        entries += interviews.held(life, seen, rng)
        entries += _care_plan(life, entries)
    entries.sort(key=lambda e: e.written)
    return entries


def _recent(life: Life, settled: Sequence[Settled]) -> tuple[list[Settled], date, date]:
    """The claims that a record is made from, and the first and last day that it tells of."""
    ordered = sorted(settled, key=lambda s: s.claim.served)
    before = [s for s in ordered if s.claim.served < life.today]
    after = ordered[len(before) :]
    since = (before[-1].claim.served if before else life.today) - WINDOW
    if len(before) > MOST_BEFORE:
        since = max(since, before[-MOST_BEFORE].claim.served)
    until = after[MOST_AFTER].claim.served if len(after) > MOST_AFTER else life.last
    return [s for s in ordered if since <= s.claim.served <= until], since, until


def _happened(events: Iterable[Event], calendar: Calendar, rng: Random) -> Iterator[RecordEntry]:
    for event in events:
        what: Record | Event
        if isinstance(event, Vitals):
            visit = calendar.on(event.day, event.by)
            heard, weighed = rng.random() >= UNHEARD, rng.random() >= UNWEIGHED
            what = Measured(event.day, event, heard, weighed)
        elif isinstance(event, (HealthProblem, ClinicalFinding, Vaccination)):
            visit = calendar.on(event.day, event.by if isinstance(event, Vaccination) else None)
            what = event
        else:
            continue
        # what is noted during a stay is known when the stay is
        yield RecordEntry(visit.last if visit else event.day, visit, what)


def _diagnoses(
    seen: Iterable[Visit], happened: Iterable[Event], chronic: frozenset[str], rng: Random
) -> Iterator[RecordEntry]:
    """What a hospital was visited for, where no story has said it: over after some weeks."""
    findings = {(e.day, e.what.code) for e in happened if isinstance(e, ClinicalFinding)}
    for visit in seen:
        if visit.kind not in ("inpatient", "emergency", "outpatient", "office") or not visit.reasons:
            continue
        what = visit.reasons[0]
        if what.code not in chronic and what.code[0] != "Z" and (visit.day, what.code) not in findings:
            over = visit.last + timedelta(days=rng.randrange(10, 45))
            yield RecordEntry.at(visit, ClinicalFinding(visit.day, what, over))


# --- medicines -------------------------------------------------------------------------------------


def _medicines(
    events: Iterable[Event], settled: Iterable[Settled], calendar: Calendar
) -> Iterator[RecordEntry]:
    """Yield orders and paid fills. An order without a recent fill is left out."""
    orders = _orders([e for e in events if isinstance(e, Prescription)])
    filled: set[int] = set()
    for filed in settled:
        claim = filed.claim
        fill = claim.fill
        if not fill or claim.voided or filed.replaced_by or claim.lines[0].denial:
            continue
        earlier = reversed(orders.get(fill.drug.ndc, []))
        order = next((o for o in earlier if o.day <= claim.served <= o.day + LONGEST), None)
        if order and id(order) not in filled:
            filled.add(id(order))
            visit = calendar.on(order.day, order.prescription.by)
            yield RecordEntry(visit.last if visit else order.day, visit, order)
        yield RecordEntry(claim.served, None, Dispensing(claim.served, fill, order, claim.provider))


def _orders(prescriptions: Iterable[Prescription]) -> dict[str, list[Order]]:
    """Orders by product, oldest first: each ends with its supply, or when the next one begins."""
    by_product: dict[str, list[Order]] = {}
    for prescription in sorted(prescriptions, key=lambda p: p.day, reverse=True):
        later = by_product.setdefault(prescription.drug.ndc, [])
        ends = prescription.day + timedelta(days=(prescription.refills + 1) * prescription.days)
        if later:
            ends = min(ends, later[-1].day)
        later.append(Order(prescription.day, prescription, ends))
    for orders in by_product.values():
        orders.reverse()
    return by_product


# --- laboratory and care plan ----------------------------------------------------------------------


def _lab_orders(
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


def _care_plan(life: Life, entries: Sequence[RecordEntry]) -> Iterator[RecordEntry]:
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
        due=day + GOAL_TIME,
        doctor=life.doctor,
        clinic=life.clinic,
        relative=relative,
    )
    yield RecordEntry(written, entry.visit, plan)
