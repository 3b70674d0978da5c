"""Visits: what the claims say about where a member was seen, by whom and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.synth.facts import Claim, Organization, Practitioner, Settled, Term

DAY = timedelta(days=1)
PLACES = {"02": "virtual", "10": "virtual", "21": "inpatient", "23": "emergency", "24": "outpatient"}
OFFICES = {"11", "15", "17", "19", "20", "22", "49", "50", "71", "72"}
"""CMS places of service → kind of visit; a laboratory (81), a home (12) or an ambulance (41) is none."""

EMERGENCY_ROOM = "045"  # NUBC revenue codes of emergency rooms start with it
LABORATORY = "03"  # and those of laboratories


@dataclass(frozen=True, eq=False)
class Visit:
    """A visit or a stay, of kind `kind` in encounters.yaml. `number` is that of the claim.

    Two visits are never equal: a record refers to the very visit it was made at.
    """

    kind: str
    day: date
    last: date
    where: Organization
    by: Practitioner | None
    reasons: tuple[Term, ...]
    claim: Claim
    number: str


def visits(settled: Iterable[Settled], chronic: frozenset[str]) -> list[Visit]:
    """The visits that claims tell of, by day. `chronic`: codes of lasting conditions.

    A claim that was replaced or cancelled tells of none. What professionals bill for a stay belongs to
    the hospital's visit, and all that one place bills for a day is one visit.
    """
    seen: list[Visit] = []
    for filed in sorted(settled, key=lambda s: (s.claim.served, s.claim.stay is None, s.number)):
        claim = filed.claim
        if claim.voided or filed.replaced_by:
            continue
        kind = _kind(claim, chronic)
        if kind and not any(_same(visit, kind, claim) for visit in seen[-8:]):
            reasons = claim.diagnoses
            visit = Visit(
                kind,
                claim.served,
                claim.last_day,
                claim.provider,
                _seen_by(claim),
                reasons,
                claim,
                filed.number,
            )
            seen.append(visit)
    seen.sort(key=lambda v: v.day)
    return seen


class Calendar:
    """A member's visits by day."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self._days: dict[date, list[Visit]] = {}
        for visit in visits:
            for day in _days(visit):
                self._days.setdefault(day, []).append(visit)

    def on(self, day: date, by: Practitioner | None = None) -> Visit | None:
        """The visit of a day, of those to `by` first."""
        visits = self._days.get(day)
        if not visits:
            return None
        return next((v for v in visits if by and v.by and v.by.id == by.id), visits[0])

    def before(self, day: date, within: int) -> Visit | None:
        """The last visit on a day or at most `within` days before it."""
        for back in range(within + 1):
            visit = self.on(day - DAY * back)
            if visit:
                return visit
        return None


def _days(visit: Visit) -> Iterator[date]:
    for number in range((visit.last - visit.day).days + 1):
        yield visit.day + DAY * number


def _same(visit: Visit, kind: str, claim: Claim) -> bool:
    if not visit.day <= claim.served <= visit.last:
        return False
    return visit.where.id == claim.provider.id or (kind in ("inpatient", "emergency", "outpatient"))


def _kind(claim: Claim, chronic: frozenset[str]) -> str | None:
    if claim.kind == "inpatient":
        return "inpatient"
    if claim.kind == "outpatient":
        revenues = [line.revenue or "" for line in claim.lines]
        if any(code.startswith(EMERGENCY_ROOM) for code in revenues):
            return "emergency"
        return None if all(code.startswith(LABORATORY) for code in revenues) else "outpatient"
    if claim.kind in ("oral", "vision"):
        return "dental" if claim.kind == "oral" else "eye"
    if claim.kind != "professional" or claim.trip or not claim.team:
        return None
    place = claim.lines[0].place or ""
    return _office(claim, chronic) if place in OFFICES else PLACES.get(place)


def _office(claim: Claim, chronic: frozenset[str]) -> str:
    codes = {term.code for term in claim.diagnoses}
    if codes == {"Z23"}:
        return "vaccination"
    if claim.lines[0].benefit == "preventive":
        return "wellness"
    return "follow-up" if codes and codes <= chronic else "office"


def _seen_by(claim: Claim) -> Practitioner | None:
    """The attending, operating or rendering clinician; a referring one was not there."""
    seats = [s for s in claim.team if s.role not in ("referring", "prescribing")]
    return seats[0].practitioner if seats else None
