"""Stories of a hospital: inpatient stays, emergencies, outpatient surgery and treatment.

The doctors who work there bill for themselves: for the same days and diagnoses as the hospital.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.synth.claims import line_items, office
from sandbox.synth.claims.adjudication import cents
from sandbox.synth.config.billing_codes import Admission, Attendance, DoctorsBill
from sandbox.synth.facts import Claim, ClaimLine, Seat, Stay, Surgery, Term
from sandbox.synth.facts.events import Episode
from sandbox.synth.people.life import Life

EMERGENCY, ELECTIVE, HOME, SELF_REFERRED = "1", "3", "01", "1"  # NUBC
NO_PROCEDURE_CODE = Term("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-applicable", "")
BY_AMBULANCE = 0.3  # share of emergencies
HOSPITALIST, SURGEON = "208M00000X", "208600000X"  # NUCC


def inpatient_stay(life: Life, day: date) -> Episode:
    """Some nights in hospital, paid as a whole by the diagnosis related group."""
    codes = life.spec.codes
    kind = line_items.choose(life, codes.hospital.stays, day)
    nights = life.rng.randint(*kind.nights)
    home = min(day + timedelta(days=nights), life.last)
    team = [Seat("attending", life.network.doctor(life.hospital, HOSPITALIST))]
    if kind.procedures:
        team.append(Seat("operating", life.network.doctor(life.hospital, SURGEON)))
    lasting = [codes.chronic[name].what for name in life.member.conditions]
    lines = tuple(_charges(life, kind, nights))
    diagnoses = [kind.diagnosis, *lasting]
    claim = line_items.professional(life, day, life.hospital, tuple(team), lines, diagnoses, home)
    stay = Stay(
        bill=codes.hospital.bills["inpatient"],
        origin=kind.origin,
        admission=kind.admission,
        discharge=kind.discharge,
        reason=kind.reason,
        drg=kind.drg,
        operations=tuple(
            Surgery(done.what, min(day + timedelta(days=done.day), home)) for done in kind.procedures
        ),
    )
    claim = replace(claim, kind="inpatient", stay=stay)
    bills = _doctors_bills(life, claim, kind.doctors, nights)
    return Episode((claim, *bills), (office.passing(life, day, kind.diagnosis),))


def emergency(life: Life, day: date) -> Iterator[Episode]:
    """Seen in the emergency department and sent home; some came by ambulance."""
    kind = line_items.choose(life, life.spec.codes.hospital.emergencies, day)
    yield _attended(life, day, kind, EMERGENCY)
    if life.rng.random() < BY_AMBULANCE:
        yield office.ambulance(life, day)


def outpatient_surgery(life: Life, day: date) -> Episode:
    """A planned operation, and home on the same day."""
    return _attended(life, day, line_items.choose(life, life.spec.codes.hospital.surgeries, day), ELECTIVE)


def outpatient_treatment(life: Life, day: date) -> Episode:
    """A scan or an infusion, by appointment."""
    return _attended(life, day, line_items.choose(life, life.spec.codes.hospital.treatments, day), ELECTIVE)


def _attended(life: Life, day: date, kind: Attendance, admission: str) -> Episode:
    provider = life.hospital
    team = (Seat("attending", life.network.doctor(life.hospital, kind.doctors[0].specialty)),)
    lines = tuple(line_items.line(life, name, provider) for name in kind.services)
    claim = line_items.professional(life, day, provider, team, lines, [kind.diagnosis])
    bill = life.spec.codes.hospital.bills["outpatient"]
    stay = Stay(bill, SELF_REFERRED, admission, HOME, kind.reason)
    claim = line_items.chanced(life, replace(claim, kind="outpatient", stay=stay))
    bills = _doctors_bills(life, claim, kind.doctors, 0)
    return Episode((claim, *bills), (office.passing(life, day, kind.diagnosis),))


def _doctors_bills(
    life: Life, hospital_claim: Claim, bills: Sequence[DoctorsBill], nights: int
) -> Iterator[Claim]:
    for bill in bills:
        lines = [line_items.line(life, name, life.physicians) for name in bill.services]
        if bill.daily and nights:
            lines.append(line_items.line(life, bill.daily, life.physicians, Decimal(nights)))
        team = (Seat("rendering", life.network.doctor(life.hospital, bill.specialty)),)
        claim = line_items.professional(
            life,
            hospital_claim.served,
            life.physicians,
            team,
            tuple(lines),
            hospital_claim.diagnoses,
            hospital_claim.through,
        )
        yield line_items.chanced(life, claim)


def _charges(life: Life, kind: Admission, nights: int) -> Iterator[ClaimLine]:
    """One line for each revenue code. What is paid goes by the stay: the first line carries all of it."""
    days = Decimal(max(nights, 1))
    markup = life.hospital.markup
    charges = {code: (days, usd) for code, usd in kind.daily.items()}
    charges |= {code: (line_items.ONE, usd) for code, usd in kind.once.items()}
    for index, (code, (units, usd)) in enumerate(charges.items()):
        yield ClaimLine(
            what=NO_PROCEDURE_CODE,
            units=units,
            charge=cents(units * usd * markup),
            fee=kind.rate if index == 0 else Decimal(0),
            benefit="hospital",
            revenue=code,
        )
