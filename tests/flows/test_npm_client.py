"""npm's fhirclient 2 as a public browser app: its page comes from another origin than the payer, so that
discovery, token endpoint and FHIR API are all asked across origins."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.smart_app import SmartApp
from support.web_server import Answer, web_server

pytestmark = pytest.mark.slow

SCRIPT = (
    Path(__file__).parents[1] / "browser" / "node_modules" / "fhirclient" / "build" / "fhir-client.min.js"
)

PAGE = """<!doctype html><title>An app</title><link rel="icon" href="data:,">
<script src="fhir-client.js"></script>
"""


@pytest.fixture
def app_origin() -> Iterator[str]:
    """A web server with the app's two pages, on a host name that is not the payer's."""
    if not SCRIPT.is_file():
        pytest.skip("no fhirclient from npm here: make browser-packages")
    script = SCRIPT.read_bytes()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        if request.path == "/fhir-client.js":
            return 200, {"Content-Type": "text/javascript"}, script
        return 200, {"Content-Type": "text/html"}, PAGE.encode()

    with web_server(answer) as origin:
        yield origin.replace("127.0.0.1", "localhost")


CONNECT = """([iss, redirectUri]) => FHIR.oauth2.authorize({
    iss, redirectUri, clientId: "sandbox-spa", pkceMode: "required",
    scope: "openid fhirUser launch/patient offline_access patient/*.read"})"""

READY = """async () => {
    window.client = await FHIR.oauth2.ready()
    const patient = await client.patient.read()
    const claims = await client.request(`ExplanationOfBenefit?patient=${client.patient.id}&_count=3`)
    const user = await client.user.read()
    return {id: client.patient.id, family: patient.name[0].family, claims: claims.entry.length,
            user: user.id, token: client.state.tokenResponse}
}"""

REFRESH = """async () => {
    const before = client.state.tokenResponse.access_token
    await client.refresh()
    const after = client.state.tokenResponse.access_token
    return {changed: before !== after, id: (await client.patient.read()).id}
}"""

REVOKE = """async (iss) => {
    const known = await (await fetch(`${iss}/.well-known/smart-configuration`)).json()
    const {access_token, refresh_token} = client.state.tokenResponse
    const answer = await fetch(known.revocation_endpoint, {method: "POST",
        body: new URLSearchParams({token: refresh_token, client_id: "sandbox-spa"})})
    const status = await client.request("Patient", {useRefreshToken: false})
        .then(() => 200, problem => problem.statusCode || problem.status)
    const {status: refreshed} = await fetch(known.token_endpoint, {method: "POST",
        body: new URLSearchParams({grant_type: "refresh_token", refresh_token, client_id: "sandbox-spa"})})
    return {revoked: answer.status, read: status, refreshed}
}"""


@pytest.mark.browser
def test_npms_fhirclient_connects_reads_refreshes_and_revokes(
    chromium: Any, origin: str, app_origin: str
) -> None:
    """At an address without `~`: fhirclient 2.6 reads an id_token with atob, which knows no base64url,
    and that letter in `iss` can need it."""
    app = SmartApp(f"{origin}/s/baseline")
    page = chromium.new_page()
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, urlsplit(request.url).path)))
    page.goto(f"{app_origin}/index.html")
    iss = f"{app.base}/fhir"
    assert urlsplit(iss).netloc != urlsplit(app_origin).netloc
    page.evaluate(CONNECT, [iss, f"{app_origin}/callback"])
    page.wait_for_url("**/auth/login**")
    page.get_by_label("User name").fill("maria")
    page.get_by_label("Password").fill("maria-pass")
    page.keyboard.press("Enter")
    page.wait_for_url("**/auth/consent**")
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{app_origin}/callback**")
    found = page.evaluate(READY)
    assert (found["id"], found["family"], found["claims"]) == ("mbr-0001", "Delgado", 3)
    assert found["user"] == "mbr-0001"
    assert found["token"]["scope"].endswith("patient/*.read")
    assert page.evaluate(REFRESH) == {"changed": True, "id": "mbr-0001"}
    assert page.evaluate(REVOKE, iss) == {"revoked": 200, "read": 401, "refreshed": 400}
    path = urlsplit(app.base).path
    assert ("POST", f"{path}/auth/token") in asked
    assert ("GET", f"{path}/fhir/.well-known/smart-configuration") in asked
