"""A backend service: signs an assertion, gets a short token, reads every member's data, and no more."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.backend import CLIENT, assertion, form
from support.smart_app import SmartApp


def ask(app: SmartApp, scope: str) -> httpx.Response:
    proof = assertion(f"{app.base}/auth/token")
    return app.http.post(f"{app.base}/auth/token", data=form(proof, scope))


@pytest.fixture
def service(app: SmartApp) -> SmartApp:
    app.tokens = ask(app, "system/Patient.rs system/Coverage.rs").json()
    return app


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]


def test_a_service_reads_and_searches_across_members(service: SmartApp) -> None:
    assert service.tokens["expires_in"] <= 300
    assert not {"refresh_token", "id_token", "patient"} & set(service.tokens)
    everybody = service.everything("Patient?_count=500")
    assert len(everybody) > 50
    for patient in everybody[:2]:
        assert service.get(f"Patient/{patient['id']}").json() == patient
        covered = resources(service.get(f"Coverage?patient={patient['id']}").json())
        assert {c["beneficiary"]["reference"] for c in covered} <= {f"Patient/{patient['id']}"}
    whole = service.get(f"Patient/{everybody[1]['id']}/$everything?_count=50").json()
    assert {r["resourceType"] for r in resources(whole)} <= {"Patient", "Coverage", "OperationOutcome"}


def test_a_service_reaches_the_types_of_its_scopes_only(service: SmartApp) -> None:
    refused = service.get("ExplanationOfBenefit")
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].endswith('scope="system/ExplanationOfBenefit.s"')
    granular = "system/Observation.rs?category=laboratory"
    service.tokens = ask(service, granular).json()
    assert service.tokens["scope"] == granular
    found = resources(service.get("Observation?_count=100").json())
    codes = [{c["code"] for each in r["category"] for c in each["coding"]} for r in found]
    assert codes
    assert all("laboratory" in each for each in codes)


def test_a_services_pages_and_token_end_as_they_should(service: SmartApp) -> None:
    pages = service.pages("Coverage?_count=50")
    ids = [r["id"] for page in pages for r in resources(page)]
    assert len(ids) == len(set(ids)) == pages[0]["total"] > 50
    service.control("clock", {"advance": "PT5M"})
    assert service.get("Coverage").status_code == 401


def test_the_journal_names_the_service_and_no_member(service: SmartApp) -> None:
    service.get("Coverage?_count=1")
    noted = service.control("journal").json()["entries"][-1]
    assert noted["client"] == CLIENT
    assert "member" not in noted
