"""Stories of claims that change after payment: replaced, replaced twice, voided, appealed.

Each begins as a visit to the member's doctor. A later claim names the very one that it corrects.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sandbox.synth.claims import business_days, line_items, office
from sandbox.synth.facts import Appeal, Claim, ClaimLine
from sandbox.synth.facts.events import Episode
from sandbox.synth.people.life import Life

UPHELD = 0.35  # share of appeals that change nothing
SERVICES = ("office-visit", "ketorolac")


def replaced(life: Life, day: date) -> Episode:
    """A visit that was billed with a service too many, then rightly."""
    first = _billed(life, day)
    return _told(life, first, _correction(life, first, first.lines[:1]))


def replaced_twice(life: Life, day: date) -> Episode:
    """A visit that was billed wrongly twice: a chain of three, each pointing to its neighbours."""
    first = _billed(life, day)
    second = _correction(life, first, first.lines[:1])
    screened = line_items.line(life, "depression-screen", life.clinic)
    return _told(life, first, second, _correction(life, second, (*second.lines, screened)))


def voided(life: Life, day: date) -> Episode:
    """A visit that never was: the provider takes the claim back."""
    claim = _billed(life, day)
    taken_back = business_days.on_or_after(claim.processed + timedelta(days=life.rng.randrange(15, 50)))
    return Episode((replace(claim, voided=taken_back),))


def appealed(life: Life, day: date, *, pending: bool = False) -> Episode:
    """A visit that was denied for want of an authorization; the member appeals, and may win.

    A `pending` appeal is under way today.
    """
    rng = life.rng
    denial = life.spec.codes.denials["no-authorization"]
    claim = line_items.deny(_billed(life, day), denial)
    filed = claim.processed + timedelta(days=rng.randrange(8, 30))
    if pending:
        filed = min(max(filed, claim.processed + timedelta(days=3)), life.today - timedelta(days=7))
    decided = filed + timedelta(days=rng.randrange(25, 50))
    if pending:
        decided = max(decided, life.today + timedelta(days=rng.randrange(5, 20)))
    filed, decided = business_days.on_or_after(filed), business_days.on_or_after(decided)
    upheld = rng.random() < UPHELD
    claim = replace(claim, appeal=Appeal(filed, decided, upheld))
    if upheld:
        return _told(life, claim)
    paid = business_days.on_or_after(decided + timedelta(days=rng.randrange(2, 6)))
    lines = tuple(replace(line, denial=None) for line in claim.lines)
    return _told(
        life, claim, replace(claim, lines=lines, processed=decided, paid=paid, replaces=claim, appeal=None)
    )


def _billed(life: Life, day: date) -> Claim:
    return line_items.visit(life, day, SERVICES, [office.illness_of(life)])


def _correction(life: Life, claim: Claim, lines: tuple[ClaimLine, ...]) -> Claim:
    """The same visit, billed anew some weeks after the payer answered."""
    received, processed, paid = line_items.course(
        life, claim.processed + timedelta(days=life.rng.randrange(10, 35))
    )
    return replace(claim, lines=lines, received=received, processed=processed, paid=paid, replaces=claim)


def _told(life: Life, *chain: Claim) -> Episode:
    first = chain[0]
    return Episode(chain, (office.passing(life, first.served, first.diagnoses[0]),))
