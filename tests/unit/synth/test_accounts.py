"""The roster: who can be logged in as, and that coverage is what the role says."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from sandbox.core.roster import LINES, ROLES, Account
from sandbox.synth.population import Dossier


@pytest.fixture(scope="module")
def accounts(members: list[Dossier]) -> list[Account]:
    return [d.account for d in members if d.account]


def by_role(accounts: list[Account], role: str) -> Account:
    (found,) = (a for a in accounts if a.role == role)
    return found


def test_a_hundred_members_fill_the_roster(accounts: list[Account]) -> None:
    roles = Counter(a.role for a in accounts)
    assert len(accounts) == 100
    assert roles["eligible"] >= 39
    assert {role: roles[role] for role in ROLES if role != "eligible"} == dict.fromkeys(ROLES[1:], 1)


def test_every_line_of_business_has_an_eligible_member_with_a_name(accounts: list[Account]) -> None:
    named = [a for a in accounts if a.role == "eligible" and not a.username.startswith("member-")]
    assert {a.line for a in named} == set(LINES)
    assert len(named) >= 5


def test_the_first_member_says_start_here(accounts: list[Account]) -> None:
    assert (accounts[0].username, accounts[0].line) == ("maria", "commercial")
    assert accounts[0].purpose.startswith("start here")


def test_usernames_passwords_and_patients_are_unique(accounts: list[Account]) -> None:
    for attribute in ("username", "password", "patient"):
        assert len({getattr(a, attribute) for a in accounts}) == len(accounts)


def test_the_password_is_the_username_and_pass(accounts: list[Account]) -> None:
    assert all(a.password == f"{a.username}-pass" for a in accounts)


@pytest.mark.parametrize("days", [30, 200, 500, 1000, 2000, 4000])
def test_lapsed_coverage_ended_exactly_so_long_ago(
    members: list[Dossier], accounts: list[Account], today: date, days: int
) -> None:
    account = by_role(accounts, f"lapsed-{days}")
    assert account.coverage_end == today - timedelta(days=days)
    (dossier,) = (d for d in members if d.account == account)
    assert any(r["resourceType"] == "ExplanationOfBenefit" for r in dossier.resources)


def test_the_ineligible_member_is_covered_from_next_month(accounts: list[Account], today: date) -> None:
    account = by_role(accounts, "ineligible")
    assert [s.start for s in account.spans] == [date(2025, 12, 1)]
    assert not any(s.covers(today) for s in account.spans)


def test_only_the_one_who_did_not_opt_in_never_opened_the_portal(accounts: list[Account]) -> None:
    assert [a.role for a in accounts if not a.portal_opened] == ["not-opted-in"]


def test_eligible_members_are_covered_adults_without_an_end(accounts: list[Account], today: date) -> None:
    for account in accounts:
        if account.role in ("eligible", "not-opted-in"):
            assert account.coverage_end is None
            assert any(s.covers(today) for s in account.spans)
            assert account.birth_date < today.replace(year=today.year - 19)


def test_medicare_advantage_members_are_mostly_65_and_over(accounts: list[Account], today: date) -> None:
    born = [a.birth_date for a in accounts if a.line == "medicare-advantage"]
    assert sum(b <= today.replace(year=today.year - 65) for b in born) > 0.9 * len(born)


def test_coverages_tell_what_the_account_tells(members: list[Dossier]) -> None:
    for dossier in members:
        assert dossier.account
        periods = [r["period"] for r in dossier.resources if r["resourceType"] == "Coverage"]
        assert [(p["start"], p.get("end")) for p in periods] == [
            (s.start.isoformat(), s.end and s.end.isoformat()) for s in dossier.account.spans
        ]


def test_an_account_survives_the_way_through_json(accounts: list[Account]) -> None:
    assert [Account.from_json(a.to_json()) for a in accounts] == accounts
