"""The FHIR API as an app meets it: metadata, includes, elements, scopes, and the shape of refusals."""

from __future__ import annotations

import pytest
from support.smart_app import MakeApp, SmartApp

CARIN_INCLUDES = ["patient", "provider", "care-team", "coverage", "insurer", "payee", "*"]


def test_metadata_advertises_only_what_works_and_everything_answers(maria: SmartApp) -> None:
    samples = {"token": "x", "date": "ge2020", "reference": maria.patient, "string": "a"}
    for resource in maria.get("metadata").json()["rest"][0]["resource"]:
        for param in resource["searchParam"]:
            answer = maria.get(f"{resource['type']}?{param['name']}={samples[param['type']]}&_count=1")
            assert answer.status_code == 200, (resource["type"], param["name"], answer.text)
            modes = [e["search"]["mode"] for e in answer.json().get("entry", [])]
            assert "outcome" not in modes, (resource["type"], param["name"])


@pytest.mark.parametrize("include", CARIN_INCLUDES)
def test_every_carin_include_is_answered_and_resolves(maria: SmartApp, include: str) -> None:
    bundle = maria.get(f"ExplanationOfBenefit?_count=5&_include=ExplanationOfBenefit:{include}").json()
    included = [e for e in bundle["entry"] if e["search"]["mode"] == "include"]
    assert included
    for entry in included:
        assert maria.get(entry["fullUrl"]).json() == entry["resource"]


def test_an_include_may_iterate(maria: SmartApp) -> None:
    path = (
        "ExplanationOfBenefit?_count=1&_include=ExplanationOfBenefit:coverage&_include:iterate=Coverage:payor"
    )
    kinds = [e["resource"]["resourceType"] for e in maria.get(path).json()["entry"]]
    assert kinds == ["ExplanationOfBenefit", "Coverage", "Organization"]


def test_elements_are_picked_and_told(maria: SmartApp) -> None:
    page = maria.get("ExplanationOfBenefit?_elements=total&_count=2&_include=ExplanationOfBenefit:insurer")
    claim, included = page.json()["entry"][0]["resource"], page.json()["entry"][-1]["resource"]
    assert claim["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert {"total", "status", "insurer"} <= set(claim)
    assert "item" not in claim
    assert "tag" not in included["meta"]
    whole = maria.get(f"ExplanationOfBenefit/{claim['id']}")
    figure = page.text.partition('"total":[')[2].partition("]")[0]
    assert figure
    assert figure in whole.text


def test_who_wrote_it_down_comes_along(maria: SmartApp) -> None:
    bundle = maria.get("Condition?_count=3&_revinclude=Provenance:target").json()
    shown = {f"Condition/{e['resource']['id']}" for e in bundle["entry"] if e["search"]["mode"] == "match"}
    notes = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "include"]
    assert notes
    for note in notes:
        assert shown & {target["reference"] for target in note["target"]}


def test_unknown_parameters_are_named_or_refused_when_strict(maria: SmartApp) -> None:
    loose = maria.get("Coverage?colour=blue").json()
    outcome = loose["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "colour" in outcome["resource"]["issue"][0]["details"]["text"]
    assert maria.get("Coverage?colour=blue", Prefer="handling=strict").status_code == 400


def test_a_token_reaches_the_types_of_its_scopes_only(make_app: MakeApp) -> None:
    narrow = make_app(scope="launch/patient patient/ExplanationOfBenefit.rs patient/Patient.r").connect(
        "maria"
    )
    refused = narrow.get("Coverage")
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert refused.json()["issue"][0]["code"] == "forbidden"
    assert narrow.get("Patient").status_code == 403
    assert narrow.get(f"Patient/{narrow.patient}").status_code == 200
    bundle = narrow.get("ExplanationOfBenefit?_count=1&_include=ExplanationOfBenefit:*").json()
    *shown, told = bundle["entry"]
    assert {e["resource"]["resourceType"] for e in shown} <= {"ExplanationOfBenefit", "Patient"}
    assert told["search"]["mode"] == "outcome"
    assert "Coverage" in told["resource"]["issue"][0]["details"]["text"]
    entries = [e for page in narrow.pages(f"Patient/{narrow.patient}/$everything") for e in page["entry"]]
    kinds = {e["resource"]["resourceType"] for e in entries if e["search"]["mode"] == "match"}
    assert kinds == {"ExplanationOfBenefit", "Patient"}
    (told,) = [e["resource"] for e in entries if e["search"]["mode"] == "outcome"]
    assert (told["issue"][0]["severity"], told["issue"][0]["code"]) == ("warning", "suppressed")
    assert "Coverage" in told["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("Patient/nobody", 404, "not-found"),
        ("Starship", 404, "not-supported"),
        ("Starship/1", 404, "not-supported"),
        ("Patient/a/b/c", 404, "not-supported"),
        ("Patient/$everything", 400, "invalid"),
        ("ExplanationOfBenefit?service-date=yesterday", 400, "invalid"),
        ("ExplanationOfBenefit?service-date=zz2024", 400, "invalid"),
        ("ExplanationOfBenefit?patient=Group/1", 400, "invalid"),
        ("ExplanationOfBenefit?_count=many", 400, "invalid"),
        ("ExplanationOfBenefit?_include=nonsense", 400, "invalid"),
        ("ExplanationOfBenefit?_page=forged", 400, "invalid"),
        ("ExplanationOfBenefit?type:nonsense=x", 400, "invalid"),
        ("ExplanationOfBenefit?_sort=colour", 400, "invalid"),
        ("ExplanationOfBenefit?_elements=item.sequence", 400, "invalid"),
        ("ExplanationOfBenefit?_revinclude=Coverage:payor", 400, "invalid"),
        ("ExplanationOfBenefit?type=%00", 400, "invalid"),
        ("ExplanationOfBenefit?patient.birthdate=soon", 400, "invalid"),
        ("Coverage?_format=xml", 406, "not-supported"),
        ("Patient/mbr-0001/$everything?_type=Starship", 400, "invalid"),
        ("Patient/mbr-0001/$everything?start=soon", 400, "invalid"),
    ],
)
def test_every_failure_is_an_operation_outcome(maria: SmartApp, path: str, status: int, code: str) -> None:
    answer = maria.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/fhir+json")
    issue = answer.json()["issue"][0]
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert issue["code"] == code
    assert issue["diagnostics"] == answer.headers["x-request-id"]
