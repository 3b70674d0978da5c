"""Prescriptions: an order for a drug, and a claim for each fill at the pharmacy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from sandbox.synth.claims import business_days
from sandbox.synth.claims.adjudication import cents
from sandbox.synth.facts import Claim, ClaimLine, Drug, Fill, Seat, Term
from sandbox.synth.facts.events import Episode, Prescription
from sandbox.synth.people.life import Life

NDC = "http://hl7.org/fhir/sid/ndc"
COMPOUND = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBCompoundLiteral"
DISPENSING_FEE = Decimal("1.75")
PHARMACY_MARKUP = Decimal("1.60")
TOO_SOON = "too-soon"  # a reason that a first fill cannot have
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
    active = _active(life, day, good_until if until is None else min(good_until, until))
    ordered = Prescription(day, drug, reason, life.doctor, authorized, days, quantity, active)
    filled = day + timedelta(days=life.rng.randrange(2))
    line = _line(drug, quantity)
    for number in range(authorized + 1):
        if filled > life.last or (until and filled >= until):
            return
        fill = Fill(drug, number, authorized, days, quantity, drug.unit)
        if life.rng.random() < life.rejected:
            yield Episode((_rejected(life, filled, line, fill),))
            filled += timedelta(days=life.rng.randrange(1, 5))
            if filled > life.last or (until and filled >= until):
                return
        yield Episode((_dispensing(life, filled, line, fill),), (ordered,) if number == 0 else ())
        filled += timedelta(days=days + life.rng.randrange(-3, 6))


def compound(life: Life, day: date) -> Episode:
    """A medicine that the pharmacy mixes, filled once."""
    codes = life.spec.codes
    mixture = codes.compounds[life.rng.choice(sorted(codes.compounds))]
    drug = codes.drugs[mixture.drug]
    reason = next(c.what for c in codes.chronic.values() if mixture.drug in c.drugs)
    active = _active(life, day, day + timedelta(days=mixture.days))
    ordered = Prescription(day, drug, reason, life.doctor, 0, mixture.days, mixture.quantity, active)
    line = ClaimLine(
        what=Term(COMPOUND, "compound", mixture.name),
        units=mixture.quantity,
        charge=cents(mixture.cost * PHARMACY_MARKUP),
        fee=mixture.cost,
        benefit=drug.tier,
    )
    fill = Fill(drug, 0, 0, mixture.days, mixture.quantity, mixture.unit, mixture.ingredients)
    return Episode((_dispensing(life, day, line, fill),), (ordered,))


def _rejected(life: Life, day: date, line: ClaimLine, fill: Fill) -> Claim:
    """What the pharmacy was refused: too soon, or not without asking. A later try goes through."""
    rejections = life.spec.codes.rejections
    fitting = [name for name in sorted(rejections) if fill.number or name != TOO_SOON]
    why = rejections[life.rng.choice(fitting)]
    return _dispensing(life, day, replace(line, denial=why), fill)


def _active(life: Life, day: date, good_until: date) -> bool:
    """Is an order still good today? One that lies ahead is, when it comes."""
    seen = max(day, life.today)
    return good_until > seen and life.last >= seen


@lru_cache(maxsize=4096)
def _line(drug: Drug, quantity: Decimal) -> ClaimLine:
    fee = cents(drug.unit_cost * quantity + DISPENSING_FEE)
    return ClaimLine(
        what=Term(NDC, drug.ndc, drug.clinical.name),
        units=quantity,
        charge=cents(fee * PHARMACY_MARKUP),
        fee=fee,
        benefit=drug.tier,
    )


def _dispensing(life: Life, day: date, line: ClaimLine, fill: Fill) -> Claim:
    """A pharmacy claim: adjudicated while the member waits, paid a week later."""
    return Claim(
        kind="pharmacy",
        served=day,
        received=day,
        processed=day,
        paid=business_days.on_or_after(day + timedelta(days=7)),
        provider=life.pharmacy,
        team=(Seat("prescribing", life.doctor),),
        diagnoses=(),
        lines=(line,),
        fill=fill,
    )
