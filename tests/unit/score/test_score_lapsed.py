"""Former members: what they are shown, and whether their coverage ended as the roster says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from conftest import Grade, line_of
from fake_payer import LAPSES, FakePayer

from sandbox.score.card import Card, CardLine

TODAY = date(2026, 1, 1)


def line(card: Card) -> CardLine:
    return line_of(card, "inactive-members")


class Former(FakePayer):
    """A payer whose former members have coverage with a period, and whose roster says when it ended."""

    def __init__(self, ends: dict[int, str | None] | None = None, **switches: Any):
        super().__init__(**switches)
        self.ends = {n: (TODAY - timedelta(days=n)).isoformat() for n in LAPSES} | (ends or {})
        self.says: dict[int, str | None] = {n: (TODAY - timedelta(days=n)).isoformat() for n in LAPSES}
        self.status = "active"

    def facts_document(self) -> dict[str, Any]:
        found = super().facts_document()
        for member in found["instruments"]["members"]:
            if member["role"].startswith("lapsed-"):
                member["coverage_end"] = self.says[int(member["role"][7:])]
        return found

    def data(self, patient: str) -> list[dict[str, Any]]:
        found = super().data(patient)
        if patient.startswith("p-l"):
            for coverage in (r for r in found if r["resourceType"] == "Coverage"):
                end = self.ends[int(patient[3:])]
                coverage["status"] = self.status
                coverage["period"] = {"start": "2001-01-01", **({"end": end} if end else {})}
        return found


def empty(payer: FakePayer, *kinds: str) -> FakePayer:
    """The payer whose former members are shown nothing of these types."""

    def before(request: httpx.Request, number: int) -> httpx.Response | None:
        who = payer.access.get(request.headers.get("authorization", "").removeprefix("Bearer "), "")
        asked = request.url.path.rpartition("/")[2]
        if who.startswith("l") and asked in kinds:
            return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset"})
        return None

    payer.before_fhir = before
    return payer


def test_former_members_whose_coverage_ended_as_the_roster_says(grade_fake: Grade) -> None:
    """4000 days after coverage a member sees their claims: indefinitely, 8."""
    card, _ = grade_fake(Former(), probes=False)
    assert (card.score, line(card).points, line(card).disagreement) == (100, 8, "")


def test_empty_bundles_earn_nothing(grade_fake: Grade) -> None:
    """Every lapsed member gets in, and every search of theirs is empty: nobody is shown anything, 0."""
    card, _ = grade_fake(empty(FakePayer(), "ExplanationOfBenefit", "Coverage"))
    assert (line(card).points, line(card).band) == (0, "not available")
    assert "signed in, but ExplanationOfBenefit is empty and Coverage is empty" in line(card).reason


def test_coverage_alone_is_something_of_theirs(grade_fake: Grade) -> None:
    """Claims are empty, coverage is shown: at least one resource of theirs, 8."""
    assert line(grade_fake(empty(Former(), "ExplanationOfBenefit"))[0]).points == 8


def test_records_of_somebody_else_are_nothing_of_theirs(grade_fake: Grade) -> None:
    payer = FakePayer()
    own = payer.data

    def data(patient: str) -> list[dict[str, Any]]:
        return own("p-m1") if patient.startswith("p-l") else own(patient)

    payer.data = data  # type: ignore[method-assign]
    assert line(grade_fake(payer, probes=False)[0]).points == 0


@pytest.mark.parametrize("end", [None, "9999-12-31", "2025-12-01"])
def test_an_active_member_that_is_lent_as_lapsed_for_long_counts_for_nothing(
    end: str | None, grade_fake: Grade
) -> None:
    """lapsed-4000 has coverage that goes on, or ended last month: the longest that is left is 2000, 6."""
    card, _ = grade_fake(Former({4000: end}), probes=False)
    assert line(card).points == 6
    assert "coverage of the account with the role lapsed-4000" in line(card).disagreement
    assert [f.rule for f in card.lint if "lapsed-4000" in f.text] == ["instrument-lapsed-member"]


@pytest.mark.parametrize("said", ["2027-12-31", "2025-12-31"])
def test_a_roster_that_contradicts_itself_counts_for_nothing(said: str, grade_fake: Grade) -> None:
    """The roster says lapsed-4000 and a coverage end of last month, and the coverage agrees: still not 4000
    days ago by the measure of the others. 6."""
    payer = Former({4000: said})
    payer.says[4000] = said
    card, _ = grade_fake(payer, probes=False)
    assert line(card).points == 6
    assert "not 4000 days ago" in line(card).disagreement


def test_a_roster_without_days_is_held_against_todays_date(grade_fake: Grade) -> None:
    honest, cheat = Former(), Former({4000: "2025-12-31"})
    honest.says = dict.fromkeys(LAPSES)
    cheat.says = dict.fromkeys(LAPSES)
    assert line(grade_fake(honest, probes=False)[0]).points == 8
    assert line(grade_fake(cheat, probes=False)[0]).points == 6


@pytest.mark.parametrize("years", [-40, 40])
def test_a_payer_that_lives_on_another_day_tells_it_by_its_roster(years: int, grade_fake: Grade) -> None:
    payer = Former()
    for days in LAPSES:
        moved = TODAY.replace(year=TODAY.year + years) - timedelta(days=days)
        payer.ends[days] = payer.says[days] = moved.isoformat()
    assert line(grade_fake(payer, probes=False)[0]).points == 8


def test_coverage_that_was_cancelled_or_tells_no_period_contradicts_nothing(grade_fake: Grade) -> None:
    cancelled = Former({4000: None})
    cancelled.status = "cancelled"
    assert line(grade_fake(cancelled, probes=False)[0]).points == 8
    assert line(grade_fake(FakePayer(), probes=False)[0]).points == 8


def test_coverage_that_ended_earlier_than_the_roster_says_is_no_contradiction(grade_fake: Grade) -> None:
    assert line(grade_fake(Former({30: "2024-05"}))[0]).disagreement == ""


def test_dates_that_are_none_end_no_examination(grade_fake: Grade) -> None:
    odd: list[Any] = ["0000-00-00", "2026-02-31", "soon", 7, ["2026"], "9999-99-99"]
    payer = Former(dict(zip(LAPSES[:-1], odd, strict=False)))
    payer.says |= {30: odd[-1], 1000: odd[2]}
    assert line(grade_fake(payer, probes=False)[0]).points in (6, 8)
