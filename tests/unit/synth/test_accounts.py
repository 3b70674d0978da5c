"""The roster: who can be logged in as, and that coverage is what the role says."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from sandbox.core.files import json_bytes, json_value
from sandbox.core.members import LINES, ROLES, Account
from sandbox.synth.population import Dossier


@pytest.fixture(scope="module")
def accounts(members: list[Dossier]) -> list[Account]:
    return [d.account for d in members if d.account]


def by_role(accounts: list[Account], role: str) -> Account:
    (found,) = (a for a in accounts if a.role == role)
    return found


UNGRADED = ("dependant", "representative")


def test_a_hundred_people_fill_the_roster(accounts: list[Account]) -> None:
    roles = Counter(a.role for a in accounts)
    assert len(accounts) == 100
    assert roles["eligible"] >= 55
    alone = [role for role in ROLES if role not in ("eligible", *UNGRADED)]
    assert {role: roles[role] for role in alone} == dict.fromkeys(alone, 1)
    assert all(roles[role] for role in UNGRADED)


def test_every_line_of_business_has_an_eligible_member_with_a_name(accounts: list[Account]) -> None:
    named = [a for a in accounts if a.role == "eligible" and not a.username.startswith("member-")]
    assert {a.line for a in named} == set(LINES)
    assert len(named) >= 5


def test_at_least_24_people_have_a_name_and_say_what_they_are_for(accounts: list[Account]) -> None:
    named = [a for a in accounts if not a.username.startswith("member-")]
    assert 24 <= len(named) <= 48
    assert len({a.purpose for a in named}) == len(named)
    assert all(10 < len(a.purpose) <= 90 and "\n" not in a.purpose for a in named)


def test_the_first_member_says_start_here(accounts: list[Account]) -> None:
    assert (accounts[0].username, accounts[0].line) == ("maria", "commercial")
    assert accounts[0].purpose.startswith("start here")


def test_usernames_and_passwords_are_unique_and_patients_but_for_those_who_act(
    accounts: list[Account],
) -> None:
    for attribute in ("username", "password", "user"):
        assert len({getattr(a, attribute) for a in accounts}) == len(accounts)
    own = [a.patient for a in accounts if a.role != "representative"]
    assert len(set(own)) == len(own)


def test_a_representative_opens_the_data_of_the_represented(
    members: list[Dossier], accounts: list[Account]
) -> None:
    account = by_role(accounts, "representative")
    (represented,) = (d for d in members if d.account and d.account.username == "represented")
    assert represented.account
    assert account.patient == represented.account.patient
    assert account.spans == represented.account.spans
    (found,) = (r for r in represented.resources if f"RelatedPerson/{r['id']}" == account.user)
    assert f"{found['name'][0]['given'][0]} {found['name'][0]['family']}" == account.name
    assert {c["code"] for role in found["relationship"] for c in role["coding"]} == {"DAUC", "HPOWATT"}
    (own,) = (d for d in members if d.account == account)
    assert own.resources == ()


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
            youngest = 15 if account.line == "chip" else 19
            assert account.birth_date < today.replace(year=today.year - youngest)


def test_medicare_advantage_members_are_mostly_65_and_over(accounts: list[Account], today: date) -> None:
    born = [a.birth_date for a in accounts if a.line == "medicare-advantage"]
    assert sum(b <= today.replace(year=today.year - 65) for b in born) > 0.9 * len(born)


@pytest.mark.slow
def test_coverages_tell_what_the_account_tells(members: list[Dossier]) -> None:
    for dossier in members:
        assert dossier.account
        ours = {
            r["id"]: r["period"]
            for r in dossier.resources
            if r["resourceType"] == "Coverage" and r["payor"][0]["reference"] == "Organization/org-payer"
        }
        told = [(p["start"], p.get("end")) for p in ours.values()]
        spans = [(s.start.isoformat(), s.end and s.end.isoformat()) for s in dossier.account.spans]
        assert told == (spans if dossier.account.role != "representative" else [])


def test_an_account_survives_the_way_through_json(accounts: list[Account]) -> None:
    assert [Account.from_json(json_value(json_bytes(a))) for a in accounts] == accounts


def test_an_account_of_an_older_file_is_still_read(accounts: list[Account]) -> None:
    old = json_value(json_bytes(accounts[0]))
    del old["fhir_user"]
    assert Account.from_json(old) == accounts[0]
    assert accounts[0].user == f"Patient/{accounts[0].patient}"
