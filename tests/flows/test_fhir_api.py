"""The FHIR API as an app meets it: metadata, includes, elements, scopes, and the shape of refusals."""

from __future__ import annotations

import pytest
from support.smart_app import MakeApp, SmartApp

CARIN_INCLUDES = ["patient", "provider", "care-team", "coverage", "insurer", "payee", "*"]


@pytest.mark.parametrize("include", CARIN_INCLUDES)
def test_every_carin_include_is_answered_and_resolves(maria: SmartApp, include: str) -> None:
    bundle = maria.get(f"ExplanationOfBenefit?_count=5&_include=ExplanationOfBenefit:{include}").json()
    included = [e for e in bundle["entry"] if e["search"]["mode"] == "include"]
    assert included
    for entry in included:
        assert maria.get(entry["fullUrl"]).json() == entry["resource"]


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
