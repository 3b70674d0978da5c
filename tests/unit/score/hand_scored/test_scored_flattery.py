"""Payers that want to look better than they are: none earns more than it shows, or it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from scored_card import examine
from scored_desk import Grant
from scored_http import Call
from scored_payer import Payer
from scored_people import roster


def test_a_clock_that_does_not_move() -> None:
    """The lent clock answers 200 and stands still, so nothing ages. It is not believed: one renewal works,
    and how long is the payer's word, 365 days: 10, declared, with a finding. 100."""
    payer = Payer()
    now = payer.timeline.now().isoformat()
    payer.before["clock"] = [lambda call: httpx.Response(200, json={"now": now})]
    examine(payer).earns(score=100, source={"refresh-token": "declared"}).finds("clock")


def test_a_clock_that_only_says_that_it_moved() -> None:
    """The clock reads later and later, and an access token of an hour still works after 25 days: nothing
    has aged. As before: 10, declared, with a finding. 100."""
    payer = Payer()
    said = dict[str, float]()

    def move(call: Call) -> httpx.Response | None:
        if call.request.method == "POST":
            days = json.loads(call.request.content)["advance"].strip("PD")
            said[call.tenant] = said.get(call.tenant, 0) + int(days)
        there = payer.timeline.now() + timedelta(days=said.get(call.tenant, 0))
        return httpx.Response(200, json={"now": there.isoformat()})

    payer.before["clock"] = [move]
    examine(payer).earns(score=100, source={"refresh-token": "declared"}).finds("clock")


def test_a_fresh_payer_that_is_better() -> None:
    """The payer under test issues no refresh token; the payer of one's own, which it lends, does, for a
    year. What the payer under test shows decides: 0 of 10, and a finding. 90."""
    payer = Payer()

    def without(call: Call, answer: httpx.Response) -> httpx.Response:
        body = answer.json()
        if not call.tenant:
            body.pop("refresh_token", None)
        return httpx.Response(answer.status_code, json=body)

    payer.after["token"] = [without]
    examine(payer).earns(score=90, refresh_token=0).finds("fresh")


def test_a_fresh_payer_that_renews_where_this_one_refuses() -> None:
    """The payer under test refuses every renewal, the payer of one's own renews for a year: 0 of 10, and a
    finding. 90."""
    payer = Payer()

    def refuse(call: Call) -> httpx.Response | None:
        here = not call.tenant and call.form.get("grant_type") == "refresh_token"
        return httpx.Response(400, json={"error": "invalid_grant"}) if here else None

    payer.before["token"] = [refuse]
    examine(payer).earns(score=90, refresh_token=0).finds("fresh")


def test_the_first_five_members_shine() -> None:
    """400 eligible accounts are lent. The first five are served well; everybody else gets Patient and
    Coverage, and 500 for anything else. The five to sync are drawn from all: 2 of their 8 requests answer
    200, 25 %, 0 of 10. No claim is seen: 3 of 6, no references, 0 of 5; no clinical type, 0 of 4; no
    $everything, 0 of 3. Former members show their Coverage: 8. 100 - 10 - 3 - 5 - 4 - 3 = 75."""
    payer = Payer(roster(400))
    shining = {person.username for person in payer.people[:5]}

    def others(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        if grant is None or grant.person.username in shining or call.found[0] in ("Patient", "Coverage"):
            return None
        return httpx.Response(500)

    payer.before["search"] = payer.before["everything"] = [others]
    examined = examine(payer)
    synced = {call.found[0] for name, call in payer.calls if name == "everything"}
    assert not synced & {person.patient for person in payer.people[:5]}
    examined.earns(
        score=75,
        request_success=0,
        carin_resources=3,
        reference_resolution=0,
        clinical_resources=0,
        everything=0,
    )


def test_an_active_member_in_the_place_of_a_former_one() -> None:
    """`lapsed-4000` has coverage without an end: not a former member. The longest that is one is 2,000
    days: 6 of 8, and a finding. 98."""
    payer = Payer()
    for coverage in payer.every("Coverage"):
        if coverage["id"] == "cov-former4000":
            del coverage["period"]["end"]
    examine(payer).earns(score=98, inactive_members=6).finds("4000")


def test_former_members_whose_coverage_ended_later_than_said() -> None:
    """All six former accounts are of members whose coverage ended 30 days ago: only `lapsed-30` is what the
    roster says. Under a year: 1 of 8, and a finding. 93."""
    payer = Payer()
    ended = next(p.coverage_end for p in payer.people if p.role == "lapsed-30")
    assert ended is not None
    for coverage in payer.every("Coverage"):
        if "former" in coverage["id"]:
            coverage["period"]["end"] = ended.isoformat()
    examine(payer).earns(score=93, inactive_members=1).finds("coverage")


def test_one_record_set_for_everybody() -> None:
    """Whoever signs in is shown the same patient. By the letter of the rubric requests answer 200 and
    references resolve; the former members are shown an active coverage, so none of them counts: 0 of 8.
    That all members have one record is a finding. 92."""
    payer = Payer()
    shown = payer.people[0]
    payer.desk.people = {p.username: p if p.role == "ineligible" else shown for p in payer.people}
    examine(payer).earns(score=92, inactive_members=0).finds("same")


def opens_every_record(payer: Payer) -> None:
    payer.isolates = False


def takes_any_password(payer: Payer) -> None:
    payer.desk.checks_passwords = False


def takes_any_verifier(payer: Payer) -> None:
    payer.desk.checks_verifier = False


def takes_a_code_twice(payer: Payer) -> None:
    payer.desk.code_once = False


def sends_codes_anywhere(payer: Payer) -> None:
    payer.desk.checks_redirect = False


def redeems_for_another_address(payer: Payer) -> None:
    payer.desk.compares_redirect = False


def asks_for_no_token(payer: Payer) -> None:
    member = payer.people[7]
    real = payer.desk.holder
    now = payer.timeline.now()

    def holder(call: Call) -> Grant | None:
        if call.tenant:
            return real(call)
        asked = call.query.get("patient", call.found[-1].removeprefix("pat-"))
        whose = next((p for p in payer.people if p.patient in (asked, f"pat-{asked}")), member)
        return real(call) or Grant(whose, "", call.tenant, now, now)

    payer.desk.holder = holder  # type: ignore[method-assign]


OPEN_DOORS: dict[str, tuple[Callable[[Payer], None], str]] = {
    "any token opens any record": (opens_every_record, "another member"),
    "any password": (takes_any_password, "password"),
    "any verifier": (takes_any_verifier, "verifier"),
    "a code works twice": (takes_a_code_twice, "code"),
    "a code goes to any redirect URI": (sends_codes_anywhere, "redirect_uri"),
    "a code is redeemed for another redirect URI": (redeems_for_another_address, "redirect_uri"),
    "no token at all": (asks_for_no_token, "token"),
}


@pytest.mark.parametrize("how", OPEN_DOORS)
def test_doors_that_stand_open(how: str) -> None:
    """The rubric has no metric for it: 100 by the letter. The lent accounts show that the door is open,
    which is a finding of the gravest level."""
    opens, word = OPEN_DOORS[how]
    payer = Payer()
    opens(payer)
    examine(payer, probes=True).earns(score=100).finds(word, level="critical")


def test_no_data_for_anybody() -> None:
    """Every search answers 200 and holds nothing, for members with coverage too. No former member is shown
    a record: 0 of 8; no references: 0 of 5; $everything is limited: 1 of 3. That there is nothing is said,
    and the score is no more than what the letter gives: 100 - 8 - 5 - 2 = 85."""
    payer = Payer()
    payer.records = {username: [] for username in payer.records}
    examined = examine(payer)
    assert examined.card.score <= 85
    points = {line.id: line.points for line in examined.card.lines}
    assert [points[name] for name in ("inactive-members", "reference-resolution", "everything")] == [0, 0, 1]
    examined.finds("empty-records", level="error")


def test_served_well_under_the_name_of_the_grader_only() -> None:
    """Whoever does not call itself this grader gets 403. By the letter 100; a second look under another
    name shows it."""
    payer = Payer()

    def by_name(call: Call) -> httpx.Response | None:
        ours = call.request.headers["user-agent"].startswith("payer-sandbox-score")
        return None if ours else httpx.Response(403)

    payer.before["search"] = payer.before["everything"] = payer.before["read"] = [by_name]
    examine(payer, probes=True).earns(score=100).finds("served-by-name", level="error")


def test_access_tokens_that_never_die() -> None:
    """An access token of an hour opens records after 25 days, while renewals are refused after 100 days:
    time does pass, 100 days, 4 of 10, and the token that lives on is a finding of the gravest level. 94."""
    payer = Payer()
    payer.desk.renews = lambda age, idle: age <= 100
    payer.desk.expires = False
    examine(payer, probes=True).earns(score=94, refresh_token=4).finds("expire", level="critical")
