"""Claims, results, records and orders of a member agree with each other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from unit.synth.dossiers import code, of_type

from sandbox.core.members import Account
from sandbox.synth.claims import business_days
from sandbox.synth.config.spec import Spec
from sandbox.synth.people.network import check_digit, npi
from sandbox.synth.population import Dossier

Resource = dict[str, Any]


def claim_type(eob: Resource) -> str:
    return code(eob["type"])


def claim_days(dossier: Dossier, *codes: str) -> set[str]:
    """Days on which the member was billed for one of the services."""
    return {
        item["servicedDate"]
        for eob in of_type(dossier, "ExplanationOfBenefit")
        for item in eob["item"]
        if code(item["productOrService"]) in codes
    }


def refill(eob: Resource) -> int:
    """The number of a fill: 0 is the first."""
    (number,) = (
        i["valueQuantity"]["value"] for i in eob["supportingInfo"] if code(i["category"]) == "refillnum"
    )
    return int(number)


def account_of(dossier: Dossier) -> Account:
    assert dossier.account
    return dossier.account


def test_services_fall_inside_the_coverage_that_paid(members: list[Dossier]) -> None:
    for dossier in members:
        periods = {f"Coverage/{c['id']}": c["period"] for c in of_type(dossier, "Coverage")}
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            period = periods[eob["insurance"][0]["coverage"]["reference"]]
            for day in (*eob["billablePeriod"].values(), *(i["servicedDate"] for i in eob["item"])):
                assert period["start"] <= day <= period.get("end", "9999"), eob["id"]


def test_a_member_who_changed_plans_has_claims_under_both(members: list[Dossier]) -> None:
    samir = next(d for d in members if account_of(d).username == "samir")
    used = {e["insurance"][0]["coverage"]["reference"] for e in of_type(samir, "ExplanationOfBenefit")}
    assert used == {"Coverage/cov-0004-1", "Coverage/cov-0004-2"}


def test_the_insurer_is_the_payor_of_the_focal_coverage(members: list[Dossier]) -> None:
    for dossier in members:
        payors = {f"Coverage/{c['id']}": c["payor"] for c in of_type(dossier, "Coverage")}
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            (focal,) = (i for i in eob["insurance"] if i["focal"])
            assert payors[focal["coverage"]["reference"]] == [eob["insurer"]]


def test_a_claim_goes_through_in_order(eobs: list[Resource]) -> None:
    for eob in eobs:
        received = next(i["timingDate"] for i in eob["supportingInfo"] if "timingDate" in i)
        course = [eob["billablePeriod"]["end"], received, eob["created"][:10], eob["payment"]["date"]]
        assert course == sorted(course), eob["id"]


def test_lab_results_are_of_the_day_of_a_lab_claim(spec: Spec, members: list[Dossier]) -> None:
    services = [spec.codes.services[p.service].what.code for p in spec.codes.panels.values()]
    for dossier in members:
        billed = claim_days(dossier, *services)
        results = [
            o["effectiveDateTime"][:10]
            for o in of_type(dossier, "Observation")
            if code(o["category"][0]) == "laboratory"
        ]
        assert set(results) <= billed  # a record does not reach as far back as the claims


def test_what_was_ordered_was_filled_at_once(spec: Spec, members: list[Dossier]) -> None:
    ndc = {drug.clinical.code: {drug.ndc} for drug in spec.codes.drugs.values()}
    for mixture in spec.codes.compounds.values():
        ndc[spec.codes.drugs[mixture.drug].clinical.code].add("compound")
    for dossier in members:
        firsts = set()
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            if claim_type(eob) == "pharmacy" and refill(eob) == 0:
                item = eob["item"][0]
                day = date.fromisoformat(item["servicedDate"])
                drug = code(item["productOrService"])
                firsts |= {(drug, day), (drug, day - timedelta(days=1))}
        for order in of_type(dossier, "MedicationRequest"):
            if "medicationCodeableConcept" not in order:
                continue
            day = date.fromisoformat(order["authoredOn"][:10])
            drugs = ndc[code(order["medicationCodeableConcept"])]
            assert any((drug, day) in firsts for drug in drugs), order["id"]


def test_refills_count_from_zero_to_what_is_authorized(eobs: list[Resource]) -> None:
    firsts = 0
    for eob in eobs:
        if claim_type(eob) == "pharmacy":
            values = {
                code(i["category"]): i["valueQuantity"]["value"]
                for i in eob["supportingInfo"]
                if "valueQuantity" in i
            }
            assert 0 <= values["refillnum"] <= values["refillsauthorized"]
            firsts += values["refillnum"] == 0
    assert firsts


def test_a_vaccination_is_of_the_day_of_its_claim(spec: Spec, members: list[Dossier]) -> None:
    shots = [spec.codes.services[name].what.code for v in spec.codes.vaccines.values() for name in v.bill]
    for dossier in members:
        shot = (i for i in of_type(dossier, "Immunization") if i["status"] == "completed")
        given = {i["occurrenceDateTime"] for i in shot}
        assert given <= claim_days(dossier, *shots)


def test_diagnoses_of_follow_ups_are_on_the_problem_list(members: list[Dossier]) -> None:
    for dossier in members:
        known = {code(c["code"]) for c in of_type(dossier, "Condition")}
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            if (
                claim_type(eob) == "professional"
                and eob["item"][0]["productOrService"]["text"] == "Follow-up visit"
            ):
                told = {code(d["diagnosisCodeableConcept"]) for d in eob["diagnosis"]}
                assert told <= known


def test_every_kind_of_claim_occurs(eobs: list[Resource]) -> None:
    assert {claim_type(eob) for eob in eobs} == {
        "professional",
        "vision",
        "pharmacy",
        "oral",
        "institutional",
    }
    subtypes = {code(eob["subType"]) for eob in eobs if "subType" in eob}
    assert subtypes == {"inpatient", "outpatient"}
    assert any("pickuplocation" in str(eob["supportingInfo"]) for eob in eobs), "an ambulance ride"


def test_sequences_point_at_what_is_there(eobs: list[Resource]) -> None:
    lists = {
        "careTeamSequence": "careTeam",
        "diagnosisSequence": "diagnosis",
        "informationSequence": "supportingInfo",
    }
    for eob in eobs:
        for item in eob["item"]:
            for pointer, target in lists.items():
                assert set(item.get(pointer, [])) <= {t["sequence"] for t in eob.get(target, [])}


def test_rendering_practitioners_are_qualified(eobs: list[Resource]) -> None:
    for eob in eobs:
        for seat in eob.get("careTeam", []):
            assert seat["qualification"]["coding"][0]["system"] == "http://nucc.org/provider-taxonomy"


def test_ndcs_have_the_made_up_labeler(eobs: list[Resource]) -> None:
    compounds = 0
    for eob in eobs:
        if claim_type(eob) == "pharmacy":
            item = eob["item"][0]
            compounds += "detail" in item
            for part in item.get("detail", [item]):
                ndc = code(part["productOrService"])
                assert len(ndc) == 11
                assert ndc.startswith("99999")
    assert compounds


def test_a_clinic_is_closed_on_weekends_and_holidays(members: list[Dossier]) -> None:
    for dossier in members:
        for day in claim_days(dossier, "T1015", "G0463", "G0438", "G0439"):
            assert business_days.is_open(date.fromisoformat(day))


def is_valid_npi(value: str) -> bool:
    return len(value) == 10 and value.isdigit() and check_digit(value[:9]) == value[9]


def test_npis_pass_the_luhn_check_and_were_never_issued(resources: list[Resource]) -> None:
    npis = [
        i["value"]
        for r in resources
        if r["resourceType"] in ("Organization", "Practitioner")
        for i in r.get("identifier", [])
        if i["system"] == "http://hl7.org/fhir/sid/us-npi"
    ]
    assert len(npis) == len(set(npis)) > 30
    assert all(is_valid_npi(value) and value.startswith("2") for value in npis)


def test_the_check_digit_is_the_published_one() -> None:
    # the worked example of the NPI standard: 123456789 is completed by 3
    assert check_digit("123456789") == "3"
    assert is_valid_npi("1234567893")
    assert not is_valid_npi("1234567890")


@pytest.mark.parametrize("number", [0, 1, 99_999_999])
def test_an_npi_has_ten_digits(number: int) -> None:
    assert is_valid_npi(npi(number))
