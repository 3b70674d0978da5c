"""A browser shows metadata and discovery documents as pages; programs get the same bytes as ever."""

from __future__ import annotations

import html
import json
import re

import httpx
import pytest
from support.smart_app import SmartApp

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAVIGATES = {"Accept": BROWSER, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
METADATA = "fhir/metadata"
DOCUMENTS = (
    METADATA,
    "fhir/.well-known/smart-configuration",
    "fhir/.well-known/payer-facts",
    "auth/.well-known/openid-configuration",
    "auth/.well-known/oauth-authorization-server",
    "developer/openapi.json",
)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_person_reads_a_document_and_a_program_gets_the_same_bytes(app: SmartApp, path: str) -> None:
    url = f"{app.base}/{path}"
    page = httpx.get(url, headers=NAVIGATES)
    assert page.headers["content-type"].startswith("text/html")
    assert "frame-ancestors" in page.headers["content-security-policy"]
    assert f'href="{url}?_format=json"' in page.text
    document = httpx.get(url)
    assert "Accept" in document.headers["vary"]
    shown = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", page.text, re.DOTALL)
    assert shown
    assert json.loads(html.unescape(re.sub("<[^>]*>", "", shown[1]))) == document.json()
    for headers in ({"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": "application/fhir+json"}):
        assert httpx.get(url, headers=headers).content == document.content
    raw = httpx.get(f"{url}?_format=json", headers=NAVIGATES)
    assert raw.content == document.content
    assert raw.headers["content-type"] == document.headers["content-type"]


@pytest.mark.parametrize("accept", ["text/html", BROWSER])
def test_metadata_is_a_page_for_accept_alone_and_smart_configuration_never(
    app: SmartApp, accept: str
) -> None:
    def read(path: str) -> str:
        return httpx.get(f"{app.base}/{path}", headers={"Accept": accept}).headers["content-type"]

    assert read(METADATA).startswith("text/html")
    assert read("fhir/.well-known/smart-configuration") == "application/json"


def test_links_lead_to_the_payer_s_own_documents(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/fhir/.well-known/smart-configuration", headers=NAVIGATES)
    assert f'<a href="{app.base}/auth/jwks">' in page.text


def test_a_fault_is_shown_as_programs_see_it(app: SmartApp) -> None:
    path = "fhir/.well-known/smart-configuration"
    missing = app.base.replace("/s/baseline", "/s/smart-configuration-missing")
    assert httpx.get(f"{missing}/{path}", headers=NAVIGATES).status_code == 404
    as_text = app.base.replace("/s/baseline", "/s/smart-configuration-is-text")
    kind = httpx.get(f"{as_text}/{path}").headers["content-type"]
    assert f"<code>{kind}</code>" in httpx.get(f"{as_text}/{path}", headers=NAVIGATES).text
