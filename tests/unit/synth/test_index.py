"""The index of a population says who has how many of what."""

from __future__ import annotations

from datetime import date

import pytest

from sandbox.population import index
from sandbox.synth.population import Dossier

Row = dict[str, str]

ALONE = {
    "checkup": "professional",
    "inpatient": "inpatient",
    "surgery": "outpatient",
    "vision": "vision",
    "dental": "oral",
    "compound": "pharmacy",
}
LIVES = (
    "replaced",
    "replaced-twice",
    "voided",
    "denied",
    "partly-paid",
    "out-of-network",
    "appeal",
    "capitated",
)


@pytest.fixture(scope="module")
def table(dossiers: list[Dossier], today: date) -> dict[str, Row]:
    heading, *rows = index.rows(dossiers, today)
    return {row[0]: dict(zip(heading, row, strict=True)) for row in rows}


def test_there_is_a_row_for_every_login(table: dict[str, Row], members: list[Dossier]) -> None:
    assert len(table) == len(members) == 100
    assert table["maria"]["patient"] == "mbr-0001"
    assert table["maria"]["password"] == "maria-pass"
    assert table["maria"]["purpose"].startswith("start here")


def test_every_type_that_members_have_is_a_column(members: list[Dossier]) -> None:
    have = {r["resourceType"] for d in members for r in d.resources}
    assert have <= set(index.TYPES)


def test_versions_count_once_and_what_is_still_to_come_does_not(
    table: dict[str, Row], members: list[Dossier], today: date
) -> None:
    assert (table["renamed"]["Patient"], table["merged"]["Patient"]) == ("1", "2")
    for dossier in members[:5]:
        assert dossier.account
        told = {
            r["id"]
            for r in dossier.resources
            if r["resourceType"] == "ExplanationOfBenefit" and r["meta"]["lastUpdated"] < today.isoformat()
        }
        assert table[dossier.account.username]["ExplanationOfBenefit"] == str(len(told))


def test_kinds_of_claims_add_up_to_the_claims(table: dict[str, Row]) -> None:
    for row in table.values():
        assert sum(int(row[kind]) for kind in index.CLAIMS) == int(row["ExplanationOfBenefit"])


@pytest.mark.parametrize(("username", "kind"), ALONE.items())
def test_each_kind_of_claim_has_a_member_with_nothing_else(
    table: dict[str, Row], username: str, kind: str
) -> None:
    row = table[username]
    assert int(row[kind]) > 0
    # who works in a hospital bills for what was done there
    doctors = int(row["professional"]) if kind in ("inpatient", "outpatient") else 0
    assert int(row[kind]) + doctors == int(row["ExplanationOfBenefit"])
    assert doctors <= 3 * int(row[kind])


@pytest.mark.parametrize("username", LIVES)
def test_each_life_of_a_claim_has_a_member_with_few_claims(table: dict[str, Row], username: str) -> None:
    assert 1 <= int(table[username]["ExplanationOfBenefit"]) <= 12


def test_one_member_has_every_kind_of_claim(table: dict[str, Row]) -> None:
    assert all(int(table["everything"][kind]) for kind in index.CLAIMS)


def test_one_member_has_two_thousand_claims_and_one_has_none(table: dict[str, Row]) -> None:
    assert int(table["many"]["ExplanationOfBenefit"]) >= 2000
    assert table["none"]["ExplanationOfBenefit"] == "0"
    assert table["none"]["Coverage"] == "1"


def test_who_acts_for_a_member_has_the_counts_of_that_member(table: dict[str, Row]) -> None:
    own, acting = table["represented"], table["representative"]
    assert acting["role"] == "representative"
    assert {k: v for k, v in acting.items() if k not in index.PERSON} == {
        k: v for k, v in own.items() if k not in index.PERSON
    }
