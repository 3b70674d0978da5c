"""May this member connect? Every policy against every kind of member."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sandbox.auth.eligibility import EXPLAIN, Refusal, decide, is_minor
from sandbox.core.members import Account, CoverageSpan
from sandbox.core.payer import PayerProfile

TODAY = date(2025, 6, 15)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def span(start: int, end: int | None = None, line: str = "qhp") -> CoverageSpan:
    return CoverageSpan(line, day(start), None if end is None else day(end))


def reason(payer: PayerProfile, *spans: CoverageSpan, opted_in: bool = True) -> str | None:
    account = Account("u", "p", "pt", "n", "eligible", date(1990, 1, 1), spans, opted_in)
    refusal = decide(payer, account, TODAY, opted_in)
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    ("spans", "window", "answer"),
    [
        ([span(-100)], None, None),
        ([span(-100)], 0, None),
        ([span(0)], 0, None),
        ([span(-100, 0)], 0, None),
        ([span(1)], None, "not-yet-covered"),
        ([span(1), span(400)], None, "not-yet-covered"),
        ([span(-100, -1)], None, None),
        ([span(-5000, -4000)], None, None),
        ([span(-100, -1)], 0, "lapsed"),
        ([span(-500, -365)], 365, None),
        ([span(-500, -366)], 365, "lapsed"),
        ([span(-900, -800), span(-500, -365)], 365, None),
        ([span(-900, -800), span(1)], 365, "lapsed"),
        ([span(-900, -10), span(1)], 365, None),
        ([span(-900, -800), span(-1)], 0, None),
    ],
)
def test_coverage_decides_by_the_day(
    spans: list[CoverageSpan], window: int | None, answer: str | None
) -> None:
    assert reason(PayerProfile(inactive_access_days=window), *spans) == answer


@pytest.mark.parametrize(
    ("spans", "answer"),
    [
        ([span(-100, None, "qhp")], None),
        ([span(-100, None, "commercial")], "line-not-supported"),
        ([span(-900, -101, "commercial"), span(-100, None, "qhp")], None),
        ([span(-900, -101, "qhp"), span(-100, None, "commercial")], "line-not-supported"),
        ([span(-100, None, "qhp"), span(-100, None, "commercial")], None),
        ([span(-900, -101, "commercial")], "line-not-supported"),
        ([span(-900, -101, "qhp")], None),
        ([span(-900, -101, "commercial"), span(1, None, "qhp")], "line-not-supported"),
    ],
)
def test_the_line_that_covers_today_decides_and_only_without_one_the_past(
    spans: list[CoverageSpan], answer: str | None
) -> None:
    assert reason(PayerProfile(supported_lines=("qhp",)), *spans) == answer


@pytest.mark.parametrize(
    ("required", "opted_in", "answer"),
    [(False, False, None), (False, True, None), (True, True, None), (True, False, "not-opted-in")],
)
def test_a_payer_may_ask_members_to_opt_in_first(required: bool, opted_in: bool, answer: str | None) -> None:
    assert reason(PayerProfile(portal_opt_in=required), span(-1), opted_in=opted_in) == answer


def test_the_reason_that_the_member_cannot_change_is_told_first() -> None:
    strict = PayerProfile(portal_opt_in=True, supported_lines=(), inactive_access_days=0)
    assert reason(strict, span(1), opted_in=False) == "not-yet-covered"
    assert reason(strict, span(-9, -1), opted_in=False) == "lapsed"
    assert reason(strict, span(-9), opted_in=False) == "line-not-supported"


@pytest.mark.parametrize("why", EXPLAIN)
def test_every_refusal_is_explained_in_words_for_the_member(why: str) -> None:
    assert len(Refusal(why).text) > 30


BORN = {"adult": date(1990, 1, 1), "minor": TODAY - timedelta(days=365 * 10)}
STRICT = PayerProfile(
    inactive_access_days=100,
    supported_lines=("qhp",),
    waiting_days=30,
    minors="guardian-only",
    portal_opt_in=True,
    connection_approval=True,
)
OPEN = PayerProfile()
COVERED: dict[str, tuple[CoverageSpan, ...]] = {
    "covered": (span(-500),),
    "covered since 29 days": (span(-29),),
    "to be covered": (span(5),),
    "lapsed 100 days ago": (span(-900, -100),),
    "lapsed 101 days ago": (span(-900, -101),),
    "another line": (span(-500, None, "chip"),),
}
BY_COVERAGE = {
    "to be covered": "not-yet-covered",
    "lapsed 101 days ago": "lapsed",
    "another line": "line-not-supported",
    "covered since 29 days": "too-new",
}


@pytest.mark.parametrize("acting", [False, True], ids=["self", "acting"])
@pytest.mark.parametrize("age", BORN)
@pytest.mark.parametrize("opted_in", [False, True], ids=["never-opted-in", "opted-in"])
@pytest.mark.parametrize(
    "standing",
    [set(), {"approved"}, {"opted-out"}, {"locked"}, {"approved", "opted-out"}, {"approved", "locked"}],
    ids=lambda marks: "+".join(sorted(marks)) or "nothing",
)
@pytest.mark.parametrize("covered", COVERED)
def test_every_combination_tells_the_first_reason_that_holds(
    covered: str, standing: set[str], opted_in: bool, age: str, acting: bool
) -> None:
    account = Account("u", "p", "pt", "n", "eligible", BORN[age], COVERED[covered], opted_in)

    def answer(payer: PayerProfile) -> str | None:
        found = decide(payer, account, TODAY, opted_in, standing=frozenset(standing), acting=acting)
        return found.reason if found else None

    reasons = [
        ("locked" if "locked" in standing else None),
        BY_COVERAGE.get(covered),
        ("minor" if age == "minor" and not acting else None),
        ("not-opted-in" if "opted-out" in standing or not opted_in else None),
        ("approval-pending" if "approved" not in standing else None),
    ]
    assert answer(STRICT) == next(filter(None, reasons), None)
    lenient = [
        reasons[0],
        ("not-yet-covered" if covered == "to be covered" else None),
        ("not-opted-in" if "opted-out" in standing else None),
    ]
    assert answer(OPEN) == next(filter(None, lenient), None)


@pytest.mark.parametrize(
    ("born", "today", "age", "minor"),
    [
        (date(2007, 6, 15), date(2025, 6, 14), 18, True),
        (date(2007, 6, 15), date(2025, 6, 15), 18, False),
        (date(2008, 2, 29), date(2026, 2, 28), 18, True),
        (date(2008, 2, 29), date(2026, 3, 1), 18, False),
        (date(2007, 6, 15), date(2025, 6, 15), 21, True),
        (date(2025, 6, 1), date(2025, 6, 15), 18, True),
    ],
)
def test_majority_comes_on_the_birthday(born: date, today: date, age: int, minor: bool) -> None:
    assert is_minor(PayerProfile(adult_age=age), born, today) is minor


@pytest.mark.parametrize(("days", "answer"), [(0, None), (29, None), (30, None), (31, "too-new")])
def test_the_wait_counts_from_the_first_coverage_ever(days: int, answer: str | None) -> None:
    assert reason(PayerProfile(waiting_days=days), span(-30)) == answer
    assert reason(PayerProfile(waiting_days=days), span(-400, -300), span(-1)) is None
