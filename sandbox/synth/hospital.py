"""Stories of a hospital: a stay of some nights, an emergency sent home, a planned operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.synth import claims, office
from sandbox.synth.adjudication import cents
from sandbox.synth.billing_codes import Admission, Attendance
from sandbox.synth.events import Episode
from sandbox.synth.facts import Claim, Line, Operation, Seat, Stay, Term
from sandbox.synth.life import Life

EMERGENCY, ELECTIVE, HOME, SELF_REFERRED = "1", "3", "01", "1"  # NUBC
NO_PROCEDURE_CODE = Term("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-applicable", "")
BY_AMBULANCE = 0.3  # share of emergencies


def inpatient_stay(life: Life, day: date) -> Episode:
    """Some nights in hospital, paid as a whole by the diagnosis related group."""
    codes = life.spec.codes
    kind = codes.hospital.stays[life.rng.choice(sorted(codes.hospital.stays))]
    nights = life.rng.randint(*kind.nights)
    home = min(day + timedelta(days=nights), life.last)
    staff = life.network.staff(life.hospital)
    team = [Seat("attending", staff[0])]
    if kind.procedures:
        team.append(Seat("operating", staff[-1]))
    lasting = [codes.chronic[name].what for name in life.member.conditions]
    received, processed, paid = claims.course(life, home)
    claim = Claim(
        kind="inpatient",
        served=day,
        through=home,
        received=received,
        processed=processed,
        paid=paid,
        provider=life.hospital,
        team=tuple(team),
        diagnoses=(kind.diagnosis, *lasting),
        lines=tuple(_charges(life, kind, nights)),
        stay=Stay(
            bill=codes.hospital.bills["inpatient"],
            origin=kind.origin,
            admission=kind.admission,
            discharge=kind.discharge,
            reason=kind.reason,
            drg=kind.drg,
            operations=tuple(
                Operation(what, min(day + timedelta(days=on), home)) for what, on in kind.procedures
            ),
        ),
    )
    return Episode((claim,), (office.passing(life, day, kind.diagnosis),))


def emergency(life: Life, day: date) -> Iterator[Episode]:
    """Seen in the emergency department and sent home; some came by ambulance."""
    kind = _choice(life, life.spec.codes.hospital.emergencies, day)
    yield _attended(life, day, kind, EMERGENCY)
    if life.rng.random() < BY_AMBULANCE:
        yield office.ambulance(life, day)


def outpatient_surgery(life: Life, day: date) -> Episode:
    """A planned operation, and home on the same day."""
    return _attended(life, day, _choice(life, life.spec.codes.hospital.surgeries, day), ELECTIVE)


def _choice(life: Life, kinds: Mapping[str, Attendance], day: date) -> Attendance:
    age = life.member.age_on(day)
    fitting = [name for name in sorted(kinds) if kinds[name].ages[0] <= age <= kinds[name].ages[1]]
    return kinds[life.rng.choice(fitting)]


def _attended(life: Life, day: date, kind: Attendance, admission: str) -> Episode:
    provider = life.hospital
    staff = life.network.staff(provider)
    team = (Seat("attending", staff[1 % len(staff)]),)
    lines = tuple(claims.line(life, name, provider) for name in kind.services)
    claim = claims.professional(life, day, provider, team, lines, [kind.diagnosis])
    bill = life.spec.codes.hospital.bills["outpatient"]
    stay = Stay(bill, SELF_REFERRED, admission, HOME, kind.reason)
    claim = claims.chanced(life, replace(claim, kind="outpatient", stay=stay))
    return Episode((claim,), (office.passing(life, day, kind.diagnosis),))


def _charges(life: Life, kind: Admission, nights: int) -> Iterator[Line]:
    """One line for each revenue code. What is paid goes by the stay: the first line carries all of it."""
    days = Decimal(max(nights, 1))
    markup = life.hospital.markup
    charges = {code: (days, usd) for code, usd in kind.daily.items()}
    charges |= {code: (claims.ONE, usd) for code, usd in kind.once.items()}
    for index, (code, (units, usd)) in enumerate(charges.items()):
        yield Line(
            what=NO_PROCEDURE_CODE,
            units=units,
            charge=cents(units * usd * markup),
            fee=kind.rate if index == 0 else Decimal(0),
            benefit="hospital",
            revenue=code,
        )
