"""Claim stories: each is one visit or trip, and everything that follows from it.

A story is a function of a Life and a day that returns an Episode, or several where parts of it stand
by themselves. Claims, results and records of one story agree, because the story makes them together.
When and how often each happens is decided in `history.py` and population.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from sandbox.synth import prescriptions
from sandbox.synth.adjudication import cents
from sandbox.synth.codes import Vaccine
from sandbox.synth.events import Episode, Event, Finding, LabResult, LabTest, Vaccination, Vitals
from sandbox.synth.facts import Claim, Line, Organisation, Seat, Term, Trip
from sandbox.synth.life import Life


def preventive_visit(life: Life, day: date, *, first: bool) -> Episode:
    """A wellness visit that costs the member nothing, with all vitals."""
    services = ["first-wellness" if first else "wellness"]
    if life.rng.random() < 0.5:
        services.append("depression-screen")
    checkup = life.spec.codes.reasons["checkup"]
    claim = _visit(life, day, services, [checkup])
    return Episode((claim,), (vitals(life, day, whole=True),))


def illness(life: Life, day: date) -> Iterator[Episode]:
    """An office visit for something that passes, and perhaps a short course of a drug."""
    name = life.rng.choice(sorted(life.spec.codes.acute))
    acute = life.spec.codes.acute[name]
    services = ["office-visit", *(["ketorolac"] if name == "sprained-ankle" else [])]
    over = day + timedelta(days=life.rng.randrange(7, 22))
    finding = Finding(day, acute.what, over if over < life.today else None)
    yield Episode((_visit(life, day, services, [acute.what]),), (finding,))
    if acute.drugs:
        yield from prescriptions.order(life, day, life.rng.choice(acute.drugs), acute.what, refills=0)


def follow_up(life: Life, day: date, conditions: Sequence[str], events: Sequence[Event]) -> Episode:
    """A visit for lasting conditions; `events` are what it brings to the record beside vitals."""
    diagnoses = [life.spec.codes.chronic[name].what for name in conditions]
    services = ["follow-up"]
    if "diabetes" in conditions and life.rng.random() < 0.25:
        services.append("diabetes-training")
    claim = _visit(life, day, services, diagnoses)
    return Episode((claim,), (*events, vitals(life, day, whole=False)))


def lab_panel(life: Life, day: date, panels: Sequence[str], diagnoses: Sequence[Term]) -> Episode:
    """Blood drawn and measured: one line for each panel, one result for each test."""
    codes = life.spec.codes
    team = (Seat("referring", life.doctor),)
    services = [codes.panels[name].service for name in panels]
    claim = _professional(life, day, life.laboratory, team, services, diagnoses)
    tests = [codes.tests[test] for name in panels for test in codes.panels[name].tests]
    results = tuple(LabResult(day, test, _value(life, test), life.laboratory) for test in tests)
    return Episode((claim,), results)


def immunization_visit(life: Life, day: date, vaccine: Vaccine) -> Episode:
    """A vaccination that costs the member nothing; nobody is billed more than the shot and the vaccine."""
    reason = life.spec.codes.reasons["vaccination"]
    claim = _visit(life, day, vaccine.bill, [reason])
    return Episode((claim,), (Vaccination(day, vaccine.what, life.doctor),))


def vision_exam(life: Life, day: date, *, first: bool) -> Episode:
    """An eye examination, sometimes with spectacle frames."""
    services = ["eye-exam-first" if first else "eye-exam"]
    if life.rng.random() < 0.4:
        services.append("frames")
    optometrist = life.rng.choice(life.network.staff(life.optician))
    team = (Seat("rendering", optometrist),)
    eyes = life.spec.codes.reasons["eyes"]
    return Episode((_professional(life, day, life.optician, team, services, [eyes], kind="vision"),))


def ambulance(life: Life, day: date) -> Episode:
    """A ride to the hospital; the claim says where from, where to and how far."""
    miles = Decimal(life.rng.randrange(20, 190)) / 10
    home = life.member.person.address
    services = life.spec.codes.services
    ride = _line(life, "ambulance", life.ambulance)
    distance = services["ambulance-mile"]
    fee = distance.fee * miles
    mileage = Line(
        what=distance.what,
        units=miles,
        charge=cents(fee * life.ambulance.markup),
        fee=cents(fee),
        benefit=distance.benefit,
        place=distance.place,
    )
    received, processed, paid = _course(life, day)
    claim = Claim(
        kind="professional",
        served=day,
        received=received,
        processed=processed,
        paid=paid,
        provider=life.ambulance,
        team=(),
        diagnoses=(life.spec.codes.reasons["fall"],),
        lines=(ride, mileage),
        trip=Trip(miles, f"{home.line}, {home.city}", f"Emergency department, {life.ambulance.address.city}"),
    )
    return Episode((claim,))


# --- what the stories are made of ------------------------------------------------------------------


def vitals(life: Life, day: date, *, whole: bool) -> Vitals:
    """Measurements around what is usual for the member; without `whole`, no height."""
    rng, body = life.rng, life.body
    return Vitals(
        day=day,
        systolic=body.systolic + rng.randrange(-8, 9),
        diastolic=body.diastolic + rng.randrange(-5, 6),
        weight=body.weight + Decimal(rng.randrange(-25, 26)) / 10 if whole else None,
        height=body.height if whole else None,
        by=life.doctor,
    )


def _visit(life: Life, day: date, services: Sequence[str], diagnoses: Sequence[Term]) -> Claim:
    team = (Seat("rendering", life.doctor), Seat("primary", life.doctor))
    return _professional(life, day, life.clinic, team, services, diagnoses)


def _professional(
    life: Life,
    day: date,
    provider: Organisation,
    team: tuple[Seat, ...],
    services: Sequence[str],
    diagnoses: Sequence[Term],
    kind: Literal["professional", "vision"] = "professional",
) -> Claim:
    """A claim with one line for each service; now and then one of the lines is denied."""
    lines = [_line(life, name, provider) for name in services]
    if life.rng.random() < life.spec.denied:
        denials = life.spec.codes.denials
        unlucky = life.rng.randrange(len(lines))
        lines[unlucky] = replace(lines[unlucky], denial=denials[life.rng.choice(sorted(denials))])
    received, processed, paid = _course(life, day)
    return Claim(
        kind=kind,
        served=day,
        received=received,
        processed=processed,
        paid=paid,
        provider=provider,
        team=team,
        diagnoses=tuple(diagnoses),
        lines=tuple(lines),
    )


def _line(life: Life, name: str, provider: Organisation) -> Line:
    service = life.spec.codes.services[name]
    return Line(
        what=service.what,
        units=Decimal(1),
        charge=cents(service.fee * provider.markup),
        fee=service.fee,
        benefit=service.benefit,
        place=service.place,
    )


def _course(life: Life, served: date) -> tuple[date, date, date]:
    """When a claim that people handle was received, processed and paid."""
    received = served + timedelta(days=life.rng.randrange(2, 8))
    processed = received + timedelta(days=life.rng.randrange(2, 11))
    return received, processed, processed + timedelta(days=life.rng.randrange(2, 6))


def _value(life: Life, test: LabTest) -> Decimal:
    """A result between the bounds, with as many digits as the bounds have."""
    low, high = next((b for name, b in test.when.items() if name in life.member.conditions), test.usual)
    exponent = low.as_tuple().exponent
    assert isinstance(exponent, int), "bounds are finite"
    steps = int((high - low).scaleb(-exponent))
    return low + Decimal(life.rng.randrange(steps + 1)).scaleb(exponent)
