"""A member's record tells one story with the claims: visits, tests, medicines and what they were for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from unit.synth.dossiers import code, codings, of_type, references

from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier

Resource = dict[str, Any]
CLINICAL = {
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Device", "DiagnosticReport",
    "DocumentReference", "Encounter", "Goal", "Immunization", "Media", "MedicationDispense",
    "MedicationRequest", "Observation", "Procedure", "Provenance",
    "QuestionnaireResponse", "ServiceRequest", "Specimen",
}  # fmt: skip


@pytest.fixture(scope="module")
def maria(members: list[Dossier]) -> Dossier:
    return members[0]


def claim_days(dossier: Dossier, *kinds: str) -> set[str]:
    """First days of service of the claims of these types, whatever became of them."""
    return {
        eob["billablePeriod"]["start"]
        for eob in of_type(dossier, "ExplanationOfBenefit")
        if code(eob["type"]) in kinds
    }


# --- a diabetic ------------------------------------------------------------------------------------


def test_a_diabetic_has_the_problem_a_plan_for_it_and_a_goal_in_a1c(maria: Dossier) -> None:
    (problem,) = (c for c in of_type(maria, "Condition") if code(c["code"]) == "E11.9")
    assert code(problem["category"][0]) == "problem-list-item"
    (plan,) = of_type(maria, "CarePlan")
    assert f"Condition/{problem['id']}" in list(references(plan["addresses"]))
    goals = {f"Goal/{g['id']}": g for g in of_type(maria, "Goal")}
    aimed = [goals[name]["target"][0]["measure"] for name in references(plan["goal"])]
    assert "4548-4" in [code(measure) for measure in aimed]


def test_a1c_is_measured_on_days_of_laboratory_claims(maria: Dossier) -> None:
    measured = [o for o in of_type(maria, "Observation") if code(o["code"]) == "4548-4"]
    assert len(measured) >= 3
    assert {o["effectiveDateTime"][:10] for o in measured} <= claim_days(maria, "professional")
    reports = {
        name: r for r in of_type(maria, "DiagnosticReport") for name in references(r.get("result", []))
    }
    for observation in measured:
        report = reports[f"Observation/{observation['id']}"]
        assert report["effectiveDateTime"] == observation["effectiveDateTime"]


def test_metformin_is_ordered_before_it_is_dispensed(maria: Dossier) -> None:
    orders = {f"MedicationRequest/{m['id']}": m for m in of_type(maria, "MedicationRequest")}
    filled = [
        d
        for d in of_type(maria, "MedicationDispense")
        if "medicationCodeableConcept" in d and code(d["medicationCodeableConcept"]) == "861007"
    ]
    assert filled
    for fill in filled:
        (name,) = references(fill["authorizingPrescription"])
        assert code(orders[name]["medicationCodeableConcept"]) == "861007"
        assert orders[name]["authoredOn"] <= fill["whenHandedOver"]
        assert [code(r) for r in orders[name]["reasonCode"]] == ["E11.9"]


# --- everybody -------------------------------------------------------------------------------------


def test_visits_are_of_the_days_of_claims(members: list[Dossier]) -> None:
    for dossier in members:
        billed = claim_days(dossier, "professional", "vision", "oral", "institutional")
        visits = of_type(dossier, "Encounter")
        assert {e["period"]["start"][:10] for e in visits} <= billed
        numbers = {e["identifier"][0]["value"] for e in of_type(dossier, "ExplanationOfBenefit")}
        assert {e["identifier"][0]["value"].removeprefix("V-") for e in visits} <= numbers


def test_no_visit_is_of_a_claim_that_was_cancelled(members: list[Dossier]) -> None:
    cancelled = 0
    for dossier in members:
        last = {e["identifier"][0]["value"]: e["status"] for e in of_type(dossier, "ExplanationOfBenefit")}
        cancelled += sum(status == "cancelled" for status in last.values())
        for visit in of_type(dossier, "Encounter"):
            assert last[visit["identifier"][0]["value"].removeprefix("V-")] == "active"
    assert cancelled


def test_fills_are_of_the_days_of_pharmacy_claims(members: list[Dossier]) -> None:
    for dossier in members:
        billed = claim_days(dossier, "pharmacy")
        assert {d["whenHandedOver"] for d in of_type(dossier, "MedicationDispense")} <= billed


def test_what_was_noted_at_a_visit_is_of_its_days(members: list[Dossier]) -> None:
    when = {
        "Condition": "recordedDate",
        "Observation": "effectiveDateTime",
        "MedicationRequest": "authoredOn",
        "Procedure": "performedDateTime",
        "Immunization": "occurrenceDateTime",
    }
    for dossier in members:
        visits = {f"Encounter/{e['id']}": e["period"] for e in of_type(dossier, "Encounter")}
        for kind, day in when.items():
            for resource in of_type(dossier, kind):
                if "encounter" not in resource or "specimen" in resource:  # blood is drawn days later
                    continue
                period = visits[resource["encounter"]["reference"]]
                assert period["start"][:10] <= resource[day][:10] <= period["end"][:10], resource["id"]


def test_nothing_refers_to_what_is_not_there_yet(dossiers: list[Dossier]) -> None:
    shown: dict[str, str] = {}
    for dossier in dossiers:
        for resource in dossier.resources:
            name = f"{resource['resourceType']}/{resource['id']}"
            seen = resource["meta"]["lastUpdated"][:10]
            shown[name] = min(seen, shown.get(name, seen))
    for dossier in dossiers:
        for resource in dossier.resources:
            if resource["resourceType"] in CLINICAL:
                for name in references(resource):
                    if name.partition("/")[0] in CLINICAL:
                        assert shown[name] <= resource["meta"]["lastUpdated"][:10], (resource["id"], name)


def test_nothing_is_seen_before_the_business_day_after_it_happened(members: list[Dossier]) -> None:
    days = ("recordedDate", "whenHandedOver", "authoredOn", "authored", "date", "issued", "created")
    for dossier in members:
        for resource in dossier.resources:
            if resource["resourceType"] in CLINICAL - {"Provenance"}:
                seen = date.fromisoformat(resource["meta"]["lastUpdated"][:10])
                assert seen.weekday() < 5
                for day in days:
                    if day in resource:
                        assert date.fromisoformat(resource[day][:10]) < seen, resource["id"]


def test_a_member_without_claims_has_no_clinical_record(members: list[Dossier]) -> None:
    for dossier in members:
        if not of_type(dossier, "ExplanationOfBenefit"):
            assert not [r["id"] for r in dossier.resources if r["resourceType"] in CLINICAL - {"Provenance"}]


def test_a_record_is_of_a_size_to_look_at(members: list[Dossier], today: date) -> None:
    seen = [
        {
            (r["resourceType"], r["id"])
            for r in dossier.resources
            if r["resourceType"] in CLINICAL and r["meta"]["lastUpdated"] < today.isoformat()
        }
        for dossier in members
    ]
    sizes = sorted(map(len, seen))
    assert 40 <= sum(sizes) / len(sizes) <= 90
    assert sizes[-1] <= 500


def test_snomed_codes_come_without_terms(dossiers: list[Dossier]) -> None:
    for dossier in dossiers:
        for resource in dossier.resources:
            if resource["resourceType"] in CLINICAL:
                for coding in codings(resource):
                    assert "snomed" not in coding["system"] or "display" not in coding, resource["id"]


def test_a_report_and_its_results_tell_the_same_specimen(members: list[Dossier], spec: Spec) -> None:
    for dossier in members:
        known = {f"Observation/{o['id']}": o for o in of_type(dossier, "Observation")}
        for report in of_type(dossier, "DiagnosticReport"):
            for name in references(report.get("result", []) if "specimen" in report else []):
                assert known[name]["specimen"] == report["specimen"][0]
