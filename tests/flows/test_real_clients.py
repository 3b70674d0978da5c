"""Clients that people really use: SMART Health IT's fhirclient, and a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.smart_app import SmartApp


@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [("sandbox-app", "http://localhost:7/callback"), ("legacy-app", "http://localhost:8000/callback")],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:fhirclient")
def test_fhirclient_connects_reads_refreshes_and_revokes(
    app: SmartApp, client_id: str, redirect_uri: str
) -> None:
    """It discovers through the CapabilityStatement's oauth-uris, and (since 4.2) sends PKCE."""
    from fhirclient.client import FHIRClient
    from fhirclient.models.explanationofbenefit import ExplanationOfBenefit
    from fhirclient.models.patient import Patient
    from fhirclient.server import FHIRUnauthorizedException
    from requests import HTTPError

    settings = {
        "app_id": client_id,
        "api_base": f"{app.base}/fhir",
        "redirect_uri": redirect_uri,
        "scope": "openid fhirUser launch/patient offline_access patient/*.read",
    }
    smart = FHIRClient(settings=settings)
    assert not smart.ready
    app.redirect_uri = redirect_uri
    smart.handle_callback(app.share(smart.authorize_url, "maria"))
    assert smart.ready
    assert smart.patient_id == "mbr-0001"
    assert Patient.read(smart.patient_id, smart.server).name[0].family == "Delgado"
    found = ExplanationOfBenefit.where({"patient": smart.patient_id, "_count": "5"})
    claims = found.perform_resources(smart.server)
    assert len(claims) >= 5
    assert all(claim.patient.reference == "Patient/mbr-0001" for claim in claims)
    first = smart.server.auth.access_token
    assert smart.reauthorize()
    assert smart.server.auth.access_token != first
    assert Patient.read(smart.patient_id, smart.server).id == "mbr-0001"
    # It has no call of its own for revocation: its session posts the form.
    form = {"token": smart.server.auth.refresh_token, "client_id": client_id}
    assert smart.server.session.post(f"{app.base}/auth/revoke", data=form).status_code == 200
    with pytest.raises(FHIRUnauthorizedException):
        smart.server.request_json(f"Patient/{smart.patient_id}")
    with pytest.raises(HTTPError, match="400"):
        smart.reauthorize()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_fhirpy_reads_searches_and_pages(maria: SmartApp, encoding: str) -> None:
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

    bearer = f"Bearer {maria.tokens['access_token']}"
    client = SyncFHIRClient(
        f"{maria.base}/fhir", authorization=bearer, extra_headers={"Accept-Encoding": encoding}
    )
    patient = client.reference("Patient", maria.patient).to_resource()
    assert patient["name"][0]["family"] == "Delgado"
    claims = client.resources("ExplanationOfBenefit").search(patient=maria.patient)
    pages = [claim["id"] for claim in claims.limit(7)]
    assert len(pages) == len(set(pages)) == claims.count() > 14
    recent = claims.search(service_date__ge="2026").sort("-service-date").limit(3)
    assert [c["id"] for c in recent] == [
        c["id"] for c in maria.everything("ExplanationOfBenefit?service-date=ge2026&_sort=-service-date")
    ]
    pharmacy = claims.search(type="pharmacy").include("ExplanationOfBenefit", "insurer").limit(5).fetch_raw()
    kinds = {entry["resource"]["resourceType"] for entry in pharmacy["entry"]}
    assert kinds == {"ExplanationOfBenefit", "Organization"}
    insurer = claims.first()["insurer"].to_resource()
    assert insurer["resourceType"] == "Organization"
    assert client.execute(f"Patient/{maria.patient}/$everything", method="get")["type"] == "searchset"
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", "nobody").to_resource()
    with pytest.raises(OperationOutcome, match="_count"):
        client.resources("Coverage").search(_count="many").fetch_raw()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_a_browser_goes_through_login_and_consent_to_the_callback(
    chromium: Any, app: SmartApp, tmp_path: Path, width: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.route(f"{app.redirect_uri}*", lambda route: route.fulfill(body="back in the app"))
    page.goto(f"{app.base}/auth/authorize?{urlencode(app.request())}")
    assert "Sandbox App" in page.inner_text("main")
    picture = page.screenshot(path=tmp_path / "login.png")
    page.keyboard.type("maria")  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type("maria-pass")
    page.keyboard.press("Enter")
    page.wait_for_url("**/auth/consent**")
    assert "Maria Delgado" in page.inner_text("main")
    assert page.screenshot(path=tmp_path / "consent.png") != picture
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{app.redirect_uri}**")
    assert app.state in page.url
    code = page.url.split("code=")[1].split("&")[0]
    assert app.redeem(code).status_code == 200
    assert complaints == []
