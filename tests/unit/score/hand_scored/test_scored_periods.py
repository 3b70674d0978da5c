"""Refresh tokens and former members: how long something works."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest
from scored_card import examine
from scored_http import Call, outcome
from scored_payer import Payer
from scored_people import LAPSED, roster

# -- refresh tokens. Tried at once, every 25 days, and on days 90, 180 and 365 after the grant.

UNTIL: dict[str, tuple[Callable[[int, int], bool], int, int]] = {
    # habit: (does it renew, by age and by idleness in days; the longest day that works; points)
    "for 364 days": (lambda age, idle: age <= 364, 350, 6),
    "until idle for 30 days": (lambda age, idle: idle <= 30, 365, 10),
    "until idle for 24 days": (lambda age, idle: idle <= 24, 0, 2),
}


@pytest.mark.parametrize("how", UNTIL)
def test_the_longest_day_that_a_refresh_token_works(how: str) -> None:
    """Renewed every 25 days and on days 90, 180 and 365, always with the newest token: the last of these
    days that works decides. 364 days: day 350 works and 365 does not, so 350, in the band of 180 to 365: 6.
    Idle for at most 30 days: never refused, 10. Idle for at most 24: refused at day 25, only day 0 works:
    2."""
    renews, longest, points = UNTIL[how]
    payer = Payer()
    payer.desk.renews = renews
    examined = examine(payer)
    examined.earns(score=90 + points, refresh_token=points)
    assert examined.value("refresh-token") == longest
    assert bool(examined.card.findings) == (longest < 365)


def test_no_refresh_token() -> None:
    """None is issued: 0 of 10, and the claim of 365 days is contradicted. 90."""
    payer = Payer()
    payer.desk.renews = None
    examine(payer).earns(score=90, refresh_token=0).finds("refresh-token")


def test_a_refresh_token_that_is_refused_at_once() -> None:
    """It is issued and never works: not available, 0 of 10. 90."""
    payer = Payer()
    payer.desk.renews = lambda age, idle: False
    examine(payer).earns(score=90, refresh_token=0).finds("refresh-token")


CLAIMED: dict[str, tuple[Any, int, str]] = {
    "365 days": (365, 10, "declared"),
    "200 days": (200, 6, "declared"),
    "30 days": (30, 2, "declared"),
    "nothing": (None, 2, "observed"),
}


@pytest.mark.parametrize("how", CLAIMED)
def test_without_a_clock_the_claim_decides(how: str) -> None:
    """One renewal shows that it works; how long is the payer's word: 365 days 10, 200 days 6, 30 days 2.
    Without a word the longest time is unknown: 2, as seen."""
    claim, points, source = CLAIMED[how]
    payer = Payer()
    payer.instruments = {"clock": None, "fresh_payer": None}
    payer.claims.pop("refresh_max_days")
    if claim is not None:
        payer.claims["refresh_max_days"] = claim
    examine(payer).earns(score=90 + points, refresh_token=points, source={"refresh-token": source})


@pytest.mark.parametrize(
    ("base", "clock"),
    [("/r4", "/_sandbox/clock"), ("/api/FHIR/R4", "/api/FHIR/_sandbox/clock"), ("/fhir", "/control/time")],
)
def test_a_clock_beside_any_base(base: str, clock: str) -> None:
    """The FHIR base is not called /fhir and the clock stands at the root: it is used all the same, and
    shows that a claim of 365 days is 100: the last day that works is 100 of 90, 100, 125: 4 of 10. 94."""
    payer = Payer(base=base, clock=clock)
    payer.desk.renews = lambda age, idle: age <= 100
    examined = examine(payer)
    examined.earns(score=94, refresh_token=4).finds("refresh-token", "365")
    assert examined.value("refresh-token") == 100


def test_nobody_elses_clock_is_moved() -> None:
    """Whatever the grader tries with the clock, it tries in a payer of its own: the clock of the payer
    under test stands where it stood. 100."""
    payer = Payer()
    examine(payer).earns(score=100)
    assert payer.days.get("", 0) == 0
    assert max(payer.days.values()) == 365


# -- former members. Accounts are lent 30, 200, 500, 1000, 2000 and 4000 days after coverage.

REACH = {2000: 6, 1000: 4, 500: 2, 0: 0}


def shut(payer: Payer, days: Iterable[int], how: str) -> None:
    """Former members of so many days get nothing, in one of several ways."""
    former = {f"lapsed-{n}" for n in days}
    before = payer.desk.ending
    if how == "refused":
        said = {"error": "access_denied", "error_description": "Coverage has ended"}
        payer.desk.ending = lambda person, n: said if person.role in former else before(person, n)
    elif how == "nothing":
        for person in payer.people:
            if person.role in former:
                payer.records[person.username] = []
    else:

        def forbid(call: Call) -> httpx.Response | None:
            grant = payer.desk.holder(call)
            return outcome(403, "forbidden") if grant and grant.person.role in former else None

        for route in ("search", "read", "everything"):
            payer.before[route] = [forbid]


@pytest.mark.parametrize(
    ("reach", "how"),
    [(1000, "refused"), (0, "refused"), (2000, "forbidden"), (500, "nothing"), (0, "nothing")],
)
def test_the_longest_lapse_that_works(reach: int, how: str) -> None:
    """Members whose coverage ended longer ago are refused at sign-in, forbidden to read, or get empty
    Bundles: a member counts who is shown a resource of theirs. 2,000 days are five years or more, 6; 1,000
    are two to five, 4; 500 are one to two, 2; none, 0. The claim of access for ever is contradicted."""
    payer = Payer()
    shut(payer, [n for n in LAPSED if n > reach], how)
    examined = examine(payer)
    examined.earns(score=92 + REACH[reach], inactive_members=REACH[reach])
    examined.finds("inactive-members")


def test_former_members_who_keep_their_coverage_only() -> None:
    """Claims are forbidden to former members, Coverage and Patient are not: a search shows a resource of
    theirs, whose period ended as the roster says. 8 of 8. 100."""
    payer = Payer()

    def forbid(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        former = grant is not None and grant.person.role.startswith("lapsed")
        return outcome(403, "forbidden") if former and call.found[0] == "ExplanationOfBenefit" else None

    payer.before["search"] = [forbid]
    examine(payer).earns(score=100)


def test_former_members_whose_coverage_is_not_shown() -> None:
    """Coverage is gone with the card, claims are there: where no coverage is shown, the roster's word
    holds. 8 of 8. 100."""
    payer = Payer()
    for person in payer.people:
        if person.role.startswith("lapsed"):
            held = payer.records[person.username]
            payer.records[person.username] = [r for r in held if r["resourceType"] != "Coverage"]
    examine(payer).earns(score=100)


INACTIVE: dict[str, tuple[dict[str, Any], int, str]] = {
    "for ever": ({"inactive_access_days": None}, 8, "declared"),
    "1,825 days": ({"inactive_access_days": 1825}, 6, "declared"),
    "729 days": ({"inactive_access_days": 729}, 2, "declared"),
    "only while covered": ({"inactive_access_days": 0}, 0, "declared"),
    "nothing": ({}, 0, "unseen"),
}


@pytest.mark.parametrize("how", INACTIVE)
def test_without_a_former_member_the_claim_decides(how: str) -> None:
    """No account of a former member is lent. null is for ever, 8; five years 6; 729 days, one short of two
    years, 2; 0 days 0. A payer that says nothing leaves it unseen, 92 to 100."""
    claims, points, source = INACTIVE[how]
    payer = Payer(roster(lapsed=()))
    payer.claims.pop("inactive_access_days")
    payer.claims |= claims
    if source == "unseen":
        examine(payer).earns(score=92, top=100, unseen=("inactive-members",))
    else:
        examine(payer).earns(score=92 + points, inactive_members=points, source={"inactive-members": source})
