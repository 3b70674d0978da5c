"""Claims, results, records and orders of a member agree with each other."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from sandbox.core.roster import Account
from sandbox.synth.npi import check_digit, is_valid, npi
from sandbox.synth.population import Dossier
from sandbox.synth.spec import Spec

Resource = dict[str, Any]


def of_type(dossier: Dossier, kind: str) -> list[Resource]:
    return [r for r in dossier.resources if r["resourceType"] == kind]


def claim_type(eob: Resource) -> str:
    return str(eob["type"]["coding"][0]["code"])


def claim_days(dossier: Dossier, *codes: str) -> set[str]:
    """Days on which the member was billed for one of the services."""
    return {
        item["servicedDate"]
        for eob in of_type(dossier, "ExplanationOfBenefit")
        for item in eob["item"]
        if item["productOrService"]["coding"][0]["code"] in codes
    }


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
        assert eob["meta"]["lastUpdated"][:10] == eob["created"][:10]


def test_lab_results_are_of_the_day_of_a_lab_claim(spec: Spec, members: list[Dossier]) -> None:
    services = [spec.codes.services[p.service].what.code for p in spec.codes.panels.values()]
    for dossier in members:
        billed = claim_days(dossier, *services)
        results = [
            o["effectiveDateTime"][:10]
            for o in of_type(dossier, "Observation")
            if o["category"][0]["coding"][0]["code"] == "laboratory"
        ]
        assert set(results) == billed


def test_a_diabetic_has_the_problem_the_a1c_and_the_metformin(members: list[Dossier]) -> None:
    maria = members[0]
    codes = {c["code"]["coding"][0]["code"] for r in ("Condition", "Observation") for c in of_type(maria, r)}
    orders = {
        m["medicationCodeableConcept"]["coding"][0]["code"] for m in of_type(maria, "MedicationRequest")
    }
    assert {"E11.9", "4548-4"} <= codes
    assert "861007" in orders


def test_nobody_fills_what_was_not_ordered_before(spec: Spec, members: list[Dossier]) -> None:
    ndc = {drug.clinical.code: drug.ndc for drug in spec.codes.drugs.values()}
    for dossier in members:
        ordered = defaultdict(list)
        for order in of_type(dossier, "MedicationRequest"):
            code = order["medicationCodeableConcept"]["coding"][0]["code"]
            ordered[ndc[code]].append(order["authoredOn"])
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            if claim_type(eob) == "pharmacy":
                item = eob["item"][0]
                drug = item["productOrService"]["coding"][0]["code"]
                assert min(ordered[drug]) <= item["servicedDate"]


def test_refills_count_from_zero_to_what_is_authorized(eobs: list[Resource]) -> None:
    firsts = 0
    for eob in eobs:
        if claim_type(eob) == "pharmacy":
            values = {
                i["category"]["coding"][0]["code"]: i["valueQuantity"]["value"]
                for i in eob["supportingInfo"]
                if "valueQuantity" in i
            }
            assert 0 <= values["refillnum"] <= values["refillsauthorized"]
            firsts += values["refillnum"] == 0
    assert firsts


def test_an_order_has_a_first_fill(members: list[Dossier]) -> None:
    for dossier in members:
        firsts = sum(
            i["valueQuantity"]["value"] == 0
            for eob in of_type(dossier, "ExplanationOfBenefit")
            for i in eob["supportingInfo"]
            if i["category"]["coding"][0]["code"] == "refillnum"
        )
        assert firsts == len(of_type(dossier, "MedicationRequest"))


def test_a_vaccination_is_of_the_day_of_its_claim(spec: Spec, members: list[Dossier]) -> None:
    shots = [spec.codes.services[name].what.code for name in ("flu-shot", "pneumo-shot", "hepb-shot")]
    for dossier in members:
        given = {i["occurrenceDateTime"] for i in of_type(dossier, "Immunization")}
        assert given == claim_days(dossier, *shots)


def test_vitals_are_of_the_day_of_a_visit(spec: Spec, members: list[Dossier]) -> None:
    services = spec.codes.services
    visits = [services[name].what.code for name in ("follow-up", "wellness", "first-wellness")]
    for dossier in members:
        taken = {
            o["effectiveDateTime"][:10]
            for o in of_type(dossier, "Observation")
            if o["category"][0]["coding"][0]["code"] == "vital-signs"
        }
        assert taken <= claim_days(dossier, *visits)


def test_diagnoses_of_follow_ups_are_on_the_problem_list(members: list[Dossier]) -> None:
    for dossier in members:
        known = {c["code"]["coding"][0]["code"] for c in of_type(dossier, "Condition")}
        for eob in of_type(dossier, "ExplanationOfBenefit"):
            if (
                claim_type(eob) == "professional"
                and eob["item"][0]["productOrService"]["text"] == "Follow-up visit"
            ):
                told = {d["diagnosisCodeableConcept"]["coding"][0]["code"] for d in eob["diagnosis"]}
                assert told <= known


def test_every_kind_of_claim_occurs(eobs: list[Resource]) -> None:
    assert {claim_type(eob) for eob in eobs} == {"professional", "vision", "pharmacy"}
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
    for eob in eobs:
        if claim_type(eob) == "pharmacy":
            code = eob["item"][0]["productOrService"]["coding"][0]["code"]
            assert len(code) == 11
            assert code.startswith("99999")


def test_nobody_is_seen_on_a_weekend_by_a_clinic(members: list[Dossier]) -> None:
    for dossier in members:
        last = account_of(dossier).coverage_end
        for day in claim_days(dossier, "T1015", "G0463", "G0438", "G0439"):
            assert (
                date.fromisoformat(day).weekday() < 5
                or (last and day == last.isoformat())
                or day == "2025-10-31"
            )


def test_npis_pass_the_luhn_check_and_were_never_issued(resources: list[Resource]) -> None:
    npis = [
        i["value"]
        for r in resources
        for i in r.get("identifier", [])
        if i["system"] == "http://hl7.org/fhir/sid/us-npi"
    ]
    assert len(npis) == len(set(npis)) > 30
    assert all(is_valid(value) and value.startswith("2") for value in npis)


def test_the_check_digit_is_the_published_one() -> None:
    # the worked example of the NPI standard: 123456789 is completed by 3
    assert check_digit("123456789") == "3"
    assert is_valid("1234567893")
    assert not is_valid("1234567890")


@pytest.mark.parametrize("number", [0, 1, 99_999_999])
def test_an_npi_has_ten_digits(number: int) -> None:
    assert is_valid(npi(number))
