"""Refresh tokens and former members: how long something works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from scored_card import examine
from scored_http import Call, outcome
from scored_payer import Payer
from scored_people import roster

# -- refresh tokens. Tried at once, every 25 days, and on days 90, 180 and 365 after the grant.


def test_a_refresh_token_that_is_refused_at_once() -> None:
    """It is issued and never works: not available, 0 of 10. 90."""
    payer = Payer()
    payer.desk.renews = lambda age, idle: False
    examine(payer).earns(score=90, refresh_token=0).finds("refresh-token")


CLAIMED: dict[str, tuple[Any, int, str]] = {
    "200 days": (200, 6, "declared"),
    "nothing": (None, 2, "observed"),
}


@pytest.mark.parametrize("how", CLAIMED)
def test_without_a_clock_the_claim_decides(how: str) -> None:
    """One renewal shows that it works; how long is the payer's word: 200 days, 6.
    Without a word the longest time is unknown: 2, as seen."""
    claim, points, source = CLAIMED[how]
    payer = Payer()
    payer.instruments = {"clock": None, "fresh_payer": None}
    payer.claims.pop("refresh_max_days")
    if claim is not None:
        payer.claims["refresh_max_days"] = claim
    examine(payer).earns(score=90 + points, refresh_token=points, source={"refresh-token": source})


# -- former members. Accounts are lent 30, 200, 500, 1000, 2000 and 4000 days after coverage.


def forbid_reading(payer: Payer) -> None:
    def forbid(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        return outcome(403, "forbidden") if grant and grant.person.role == "lapsed-4000" else None

    for route in ("search", "read", "everything"):
        payer.before[route] = [forbid]


def show_nothing(payer: Payer) -> None:
    payer.records["former4000"] = []


@pytest.mark.parametrize("shut", [forbid_reading, show_nothing])
def test_a_member_counts_who_is_shown_a_resource_of_theirs(shut: Callable[[Payer], None]) -> None:
    """Who left 4,000 days ago gets in and is forbidden to read, or gets empty Bundles: 2,000 days are the
    longest, five years or more, 6 of 8. The claim of access for ever is contradicted. 98."""
    payer = Payer()
    shut(payer)
    examine(payer).earns(score=98, inactive_members=6).finds("inactive-members")


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
    "729 days": ({"inactive_access_days": 729}, 2, "declared"),
    "nothing": ({}, 0, "unseen"),
}


@pytest.mark.parametrize("how", INACTIVE)
def test_without_a_former_member_the_claim_decides(how: str) -> None:
    """No account of a former member is lent. null is for ever, 8; 729 days, one short of two
    years, 2. A payer that says nothing leaves it unseen, 92 to 100."""
    claims, points, source = INACTIVE[how]
    payer = Payer(roster(lapsed=()))
    payer.claims.pop("inactive_access_days")
    payer.claims |= claims
    if source == "unseen":
        examine(payer).earns(score=92, top=100, unseen=("inactive-members",))
    else:
        examine(payer).earns(score=92 + points, inactive_members=points, source={"inactive-members": source})
