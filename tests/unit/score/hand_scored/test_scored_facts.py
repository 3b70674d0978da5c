"""Facts that are partly wrong, and a payer graded by a token."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from scored_card import MEMBERS_ONLY, examine
from scored_desk import Grant
from scored_payer import Payer
from scored_people import Person, roster

# -- facts that are partly wrong: what is wrong is named, the rest is used


def test_a_status_that_nobody_knows() -> None:
    """The payer says that it is "alive". Members sign in, which shows that it is live: 10. A finding names
    the word. 100."""
    payer = Payer()
    payer.claims["status"] = "alive"
    examine(payer).earns(score=100).finds("alive")


def test_one_account_without_a_password() -> None:
    """The third of 39 eligible accounts lacks its password and is named; 38 are left, 38 of 39 sign-ins
    with the ineligible one are 97.44 %: 14. 100."""
    payer = Payer(roster())
    lent = [person.lent() for person in payer.people]
    del lent[2]["password"]
    payer.instruments["members"] = lent
    examined = examine(payer)
    examined.earns(score=100).finds("password")
    assert float(examined.value("authorization-success")) == pytest.approx(100 * 38 / 39)


def test_accounts_of_other_roles() -> None:
    """A dependant and a representative are lent besides. The rubric asks for neither, and neither is a
    mistake: nothing is found in the facts. 100."""
    payer = Payer([*roster(), Person("child", "dependant"), Person("parent", "representative")])
    examined = examine(payer)
    examined.earns(score=100)
    assert not [text for text in examined.findings if "role" in text]


def test_a_period_below_zero_without_a_clock() -> None:
    """-5 days is no claim: one renewal works, for how long is unknown: 2 of 10, and a finding. 92."""
    payer = Payer()
    payer.claims["refresh_max_days"] = -5
    payer.instruments = {"clock": None, "fresh_payer": None}
    examine(payer).earns(score=92, refresh_token=2).finds("-5")


# -- one token


def test_graded_by_a_token() -> None:
    """No facts, and one access token from elsewhere. Seen are both documents (2 + 2) and one member's data:
    requests 11 of 11 (10), references 4 of 4 (5), claims (6), clinical types (4), speed (5), $everything
    (3): 37. The other 63 points nobody could see: 37 to 100."""
    payer = Payer()
    payer.before["facts"] = [lambda call: httpx.Response(404)]
    now = payer.timeline.now()
    payer.desk.access["a-token"] = (Grant(payer.people[0], "", "", now, now), now + timedelta(hours=1))
    hidden = {"request-success", "reference-resolution", "carin-resources", "clinical-resources"}
    hidden |= {"sync-speed", "everything"}
    unseen = {"status", "sandbox", "developer-portal", *MEMBERS_ONLY} - hidden
    examine(payer, token="a-token").earns(score=37, top=100, unseen=tuple(sorted(unseen)))
