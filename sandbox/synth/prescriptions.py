"""Prescriptions: an order for a drug, and its fills at the pharmacy, each a claim of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sandbox.synth.adjudication import cents
from sandbox.synth.events import Episode, Prescription
from sandbox.synth.facts import Claim, Fill, Line, Seat, Term
from sandbox.synth.life import Life

NDC = "http://hl7.org/fhir/sid/ndc"
DISPENSING_FEE = Decimal("1.75")
PHARMACY_MARKUP = Decimal("1.60")
YEAR = 365  # days an order for a lasting condition is good for


def order(
    life: Life, day: date, name: str, reason: Term, refills: int | None = None, until: date | None = None
) -> Iterator[Episode]:
    """An order for a drug and its fills, the first on the day or the day after.

    `refills` None means for a year. Fills stop at `until` (excluded), when the next order begins.
    The order comes with the first fill: an order that nobody filled is not in a payer's data.
    """
    drug = life.spec.codes.drugs[name]
    days = life.rng.choice(drug.days)
    authorized = YEAR // days - 1 if refills is None else refills
    quantity = (drug.per_day * days).to_integral_value()
    good_until = day + timedelta(days=(authorized + 1) * days)
    active = good_until >= life.today and life.last >= life.today - timedelta(days=1) and until is None
    ordered = Prescription(day, drug, reason, life.doctor, authorized, days, quantity, active)
    filled = day + timedelta(days=life.rng.randrange(2))
    for number in range(authorized + 1):
        if filled > life.last or (until and filled >= until):
            return
        fill = Fill(drug, number, authorized, days, quantity)
        yield Episode((_dispensing(life, filled, fill),), (ordered,) if number == 0 else ())
        filled += timedelta(days=days + life.rng.randrange(-3, 6))


def _dispensing(life: Life, day: date, fill: Fill) -> Claim:
    """A pharmacy claim: adjudicated while the member waits, paid a week later."""
    drug = fill.drug
    fee = cents(drug.unit_cost * fill.quantity + DISPENSING_FEE)
    line = Line(
        what=Term(NDC, drug.ndc, drug.clinical.name),
        units=fill.quantity,
        charge=cents(fee * PHARMACY_MARKUP),
        fee=fee,
        benefit=drug.tier,
    )
    return Claim(
        kind="pharmacy",
        served=day,
        received=day,
        processed=day,
        paid=day + timedelta(days=7),
        provider=life.pharmacy,
        team=(Seat("prescribing", life.doctor),),
        diagnoses=(),
        lines=(line,),
        fill=fill,
    )
