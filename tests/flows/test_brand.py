"""The payer's brand: on its pages, and as a SMART User-access Brands Bundle."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.apis.smart.brand import brands, color
from sandbox.core.payer import PayerProfile


def test_the_bundle_is_public_static_and_readable_from_any_origin(app: SmartApp) -> None:
    smart = app.get(".well-known/smart-configuration").json()
    assert smart["user_access_brand_bundle"] == f"{app.base}/branding.json"
    answer = httpx.get(smart["user_access_brand_bundle"], headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/fhir+json"
    bundle = answer.json()
    assert (bundle["type"], bundle["timestamp"]) == ("collection", bundle["meta"]["lastUpdated"])
    organization, endpoint = (entry["resource"] for entry in bundle["entry"])
    assert organization["identifier"] == [smart["user_access_brand_identifier"]]
    assert organization["endpoint"] == [{"reference": f"Endpoint/{endpoint['id']}"}]
    assert [contact["system"] for contact in organization["telecom"]] == ["url"]
    assert endpoint["address"] == f"{app.base}/fhir"
    assert endpoint["connectionType"]["code"] == "hl7-fhir-rest"
    assert endpoint["contact"][0]["system"] == "url"
    portal = organization["extension"][1]["extension"]
    assert {"url": "portalUrl", "valueUrl": smart["management_endpoint"]} in portal
    logo = organization["extension"][0]["extension"][0]["valueUrl"]
    assert httpx.get(logo).headers["content-type"].startswith("image/svg+xml")


def test_entries_are_valid_fhir() -> None:
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate(brands(PayerProfile(), "https://payer.example"))


def test_another_payer_wears_another_brand(at: Any) -> None:
    app = at("evergreen")
    page = app.follow(app.authorize())
    assert "Evergreen &lt;Care&gt;" in page.text
    assert "rgb(122,31,75)" in httpx.get(f"{app.base}/brand.css").text
    assert httpx.get(f"{app.base}/branding.json").json()["entry"][0]["resource"]["name"] == "Evergreen <Care>"


@pytest.mark.parametrize("text", ["red", "#12", "#12345g", "#0f5c56;}", ""])
def test_a_color_that_is_none_is_the_usual_one(text: str) -> None:
    assert color(PayerProfile(brand_color=text)) == color(PayerProfile())
