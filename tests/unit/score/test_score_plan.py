"""The plan of a sync, and how bundles and references are read."""

from __future__ import annotations

import pytest

from sandbox.score import bundles, plan

ALL = frozenset({*plan.SEARCHES, "Patient"})


def asked(scope: str, served: frozenset[str] | None = ALL, shown: frozenset[str] = frozenset()) -> list[str]:
    return [search.path for search in plan.searches("p 1", scope, served, shown)]


def test_companions_the_guides_require() -> None:
    paths = asked("patient/*.rs")
    for path in (
        "Patient?_id=p+1",
        "Observation?patient=p+1&category=laboratory",
        "Observation?patient=p+1&category=vital-signs",
        "Condition?patient=p+1&category=problem-list-item",
        "DiagnosticReport?patient=p+1&category=LAB",
        "DocumentReference?patient=p+1&category=clinical-note",
        "CarePlan?patient=p+1&category=assess-plan",
        "MedicationRequest?patient=p+1&intent=order",
        "CareTeam?patient=p+1&status=active",
        "ExplanationOfBenefit?patient=p+1",
    ):
        assert path in paths


@pytest.mark.parametrize(
    ("scope", "types"),
    [
        ("patient/Coverage.rs openid", {"Coverage"}),
        ("patient/Coverage.read patient/Goal.write", {"Coverage"}),
        ("patient/Coverage.r patient/Goal.s", {"Goal"}),
        ("user/Patient.cruds", {"Patient"}),
        ("system/*.rs launch/patient", set()),
        ("patient/Observation.rs?category=http://x|laboratory", {"Observation"}),
    ],
)
def test_only_what_the_scopes_open(scope: str, types: set[str]) -> None:
    assert {path.partition("?")[0] for path in asked(scope)} == types


def test_a_narrowed_scope_opens_its_category_only() -> None:
    paths = asked("patient/Observation.rs?category=http://x|laboratory")
    assert paths == ["Observation?patient=p+1&category=laboratory"]


def test_only_what_metadata_offers() -> None:
    assert asked("patient/*.rs", frozenset({"Coverage"})) == ["Patient?_id=p+1", "Coverage?patient=p+1"]


def test_without_metadata_the_fixed_list_narrowed_to_what_was_shown() -> None:
    whole = {path.partition("?")[0] for path in asked("patient/*.rs", None)}
    assert whole == {*plan.WITHOUT_METADATA, "Patient"}
    some = {path.partition("?")[0] for path in asked("patient/*.rs", None, frozenset({"Goal", "Patient"}))}
    assert some == {"Patient", "Coverage", "ExplanationOfBenefit", "Goal"}


def test_references_are_found_at_any_depth() -> None:
    deep: object = {"reference": "Organization/deep"}
    for _ in range(900):
        deep = {"extension": [deep]}
    resource = {
        "subject": {"reference": "Patient/1"},
        "insurer": {"reference": "#c"},
        "provider": {"reference": "urn:uuid:1"},
        "related": [{"reference": {"value": "an identifier"}}],
        "contained": [{"managingOrganization": {"reference": "Organization/2"}}],
        "x": deep,
    }
    said = bundles.said(resource)
    assert set(said) == {"Patient/1", "#c", "urn:uuid:1", "Organization/2", "Organization/deep"}
    assert bundles.literal(said) == {"Patient/1", "Organization/2", "Organization/deep"}


@pytest.mark.parametrize(
    ("reference", "normal", "kind"),
    [
        ("Organization/1", "Organization/1", "Organization"),
        ("Organization/1/_history/2", "Organization/1/_history/2", "Organization"),
        ("https://p/fhir/Organization/1/_history/2", "Organization/1/_history/2", "Organization"),
        ("https://p/fhir/Organization/1", "Organization/1", "Organization"),
        ("https://else/fhir/Organization/1", "https://else/fhir/Organization/1", "Organization"),
        ("Practitioner?identifier=x|123", "Practitioner?identifier=x|123", "Practitioner"),
        ("Ann Smith", "Ann Smith", "other"),
    ],
)
def test_references_made_comparable(reference: str, normal: str, kind: str) -> None:
    assert bundles.normal(reference, "https://p/fhir") == normal
    assert bundles.type_of(reference) == kind


def test_a_version_is_read_as_it_is_named_and_is_there_when_its_resource_is() -> None:
    assert bundles.target("Organization/1/_history/2") == "Organization/1"
    assert bundles.target("Organization/1") == "Organization/1"
    assert bundles.target("https://else/fhir/Organization/1/_history/2").startswith("https://else")


def test_resources_about_somebody_else() -> None:
    mine = {"beneficiary": {"reference": "Patient/1"}, "subscriber": {"reference": "Patient/2"}}
    assert not bundles.is_about_another(mine, "1")
    assert bundles.is_about_another({"subject": {"reference": "https://p/fhir/Patient/2"}}, "1")
    assert not bundles.is_about_another({"subject": {"reference": "Group/2"}}, "1")


@pytest.mark.parametrize("end", ["", "/", "/_history/3", "?_format=json", "/_history/3?a=b"])
@pytest.mark.parametrize("base", ["", "https://p.example/fhir/"])
def test_a_patient_is_the_same_in_any_version_and_spelling(base: str, end: str) -> None:
    assert not bundles.is_about_another({"subject": {"reference": f"{base}Patient/1{end}"}}, "1")
    assert bundles.is_about_another({"subject": {"reference": f"{base}Patient/11{end}"}}, "1")
