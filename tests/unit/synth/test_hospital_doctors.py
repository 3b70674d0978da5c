"""Who works in a hospital bills for the same days and for the same diagnosis as the hospital."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from unit.synth.dossiers import code

from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier

Resource = dict[str, Any]


def claims(dossier: Dossier, kind: str) -> list[Resource]:
    """The last versions of a member's claims of a type or subtype."""
    last = {r["id"]: r for r in dossier.resources if r["resourceType"] == "ExplanationOfBenefit"}
    return [e for e in last.values() if kind in (code(e["type"]), code(e.get("subType", e["type"])))]


def places(eob: Resource) -> set[str]:
    return {code(item["locationCodeableConcept"]) for item in eob["item"]}


def diagnoses(eob: Resource) -> list[str]:
    """The principal one first, without what the patient came with."""
    told = [
        d["diagnosisCodeableConcept"]
        for d in eob["diagnosis"]
        if code(d["type"][0]) not in ("admitting", "patientreasonforvisit")
    ]
    return [code(concept) for concept in told]


def bills_of(dossier: Dossier, hospital: Resource) -> Iterator[Resource]:
    for bill in claims(dossier, "professional"):
        if bill["billablePeriod"] == hospital["billablePeriod"] and diagnoses(bill) == diagnoses(hospital):
            yield bill


@pytest.fixture(scope="module")
def member_of(members: list[Dossier]) -> Callable[[str], Dossier]:
    by_name = {d.account.username: d for d in members if d.account}
    return by_name.__getitem__


@pytest.mark.parametrize(
    ("username", "kind", "place"),
    [("inpatient", "inpatient", "21"), ("surgery", "outpatient", "22"), ("emergency", "outpatient", "23")],
)
def test_a_hospitals_bill_comes_with_those_of_its_doctors(
    member_of: Callable[[str], Dossier], username: str, kind: str, place: str
) -> None:
    dossier = member_of(username)
    found = claims(dossier, kind)
    assert found
    for hospital in found:
        bills = list(bills_of(dossier, hospital))
        assert bills, hospital["id"]
        for bill in bills:
            assert places(bill) == {place}
            assert [code(seat["role"]) for seat in bill["careTeam"]] == ["rendering"]
            assert code(bill["payment"]["type"]) == "paid"
            assert bill["provider"] != hospital["provider"]


def test_everybodys_stays_have_doctors(members: list[Dossier]) -> None:
    stays = [(d, stay) for d in members for stay in claims(d, "inpatient")]
    assert len(stays) > 10
    for dossier, stay in stays:
        assert list(bills_of(dossier, stay)), stay["id"]


def test_the_doctors_of_a_stay_make_no_visit_of_their_own(members: list[Dossier]) -> None:
    for dossier in members:
        doctors = {e["identifier"][0]["value"] for e in claims(dossier, "professional") if "21" in places(e)}
        visits = {
            r["identifier"][0]["value"].removeprefix("V-")
            for r in dossier.resources
            if r["resourceType"] == "Encounter"
        }
        assert not doctors & visits


def test_somebody_in_hospital_sees_nobody_else(members: list[Dossier]) -> None:
    for dossier in members:
        periods = [stay["billablePeriod"] for stay in claims(dossier, "inpatient")]
        for kind in ("professional", "outpatient", "pharmacy", "oral", "vision"):
            for eob in claims(dossier, kind):
                if kind == "professional" and "21" in places(eob):
                    continue
                day = eob["billablePeriod"]["start"]
                assert not any(p["start"] <= day < p["end"] for p in periods), eob["id"]


@pytest.mark.parametrize("age", [0, 5, 13, 17, 40, 70, 100])
def test_everybody_may_come_to_a_hospital_whatever_their_age(spec: Spec, age: int) -> None:
    hospital = spec.codes.hospital
    for kinds in (hospital.stays, hospital.emergencies, hospital.surgeries, hospital.treatments):
        assert any(of.ages[0] <= age <= of.ages[1] for of in kinds.values())
    assert any(of.ages[0] <= age <= of.ages[1] for of in spec.codes.referrals.values())


def test_an_operation_is_for_the_age_that_has_it(spec: Spec, members: list[Dossier]) -> None:
    ages = {stay.diagnosis.code: stay.ages for stay in spec.codes.hospital.stays.values()}
    for dossier in members:
        for stay in claims(dossier, "inpatient"):
            born = next(r["birthDate"] for r in dossier.resources if r["resourceType"] == "Patient")
            youngest, oldest = ages[diagnoses(stay)[0]]
            days = date.fromisoformat(stay["billablePeriod"]["start"]) - date.fromisoformat(born)
            assert youngest <= days.days / 365.2 <= oldest + 1
