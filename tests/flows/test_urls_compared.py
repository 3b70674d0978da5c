"""Our own addresses are recognized in any spelling that RFC 3986 §6.2 calls equal, and in no other."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from support.backend import assertion, form
from support.smart_app import SmartApp

from sandbox.score.run import base_url


def respelled(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.upper()}://{parts.netloc.upper()}{parts.path}"


def loopback(app: SmartApp) -> SmartApp:
    """The same app at the same payer by a host name that has letters."""
    app.base = app.base.replace("127.0.0.1", "localhost")
    return app


def test_aud_is_compared_without_the_case_of_scheme_and_host(app: SmartApp) -> None:
    app = loopback(app)
    assert "code" in app.agree("maria", aud=respelled(f"{app.base}/fhir"))
    assert "code" in app.agree("maria", aud=None, resource=respelled(f"{app.base}/fhir/"))


def test_aud_is_compared_without_the_final_dot_of_its_host(app: SmartApp) -> None:
    """As the Host header is, so that an app may name the address that it connects to."""
    app = loopback(app)
    dotted = f"{app.base}/fhir".replace("localhost", "localhost.")
    assert "code" in app.agree("maria", aud=dotted)


@pytest.mark.parametrize("path", ["/FHIR", "/fhir/x", "/fhi"])
def test_aud_keeps_the_case_of_its_path(app: SmartApp, path: str) -> None:
    app = loopback(app)
    assert app.callback(app.authorize(aud=app.base + path))["error"] == "invalid_request"


def test_a_default_port_of_another_server_is_not_ours(app: SmartApp) -> None:
    host = urlsplit(app.base).hostname
    told = app.callback(app.authorize(aud=f"http://{host}:80/fhir"))
    assert told["error"] == "invalid_request"


def test_a_reference_to_this_server_is_found_in_any_spelling(app: SmartApp) -> None:
    app = loopback(app).connect("maria")
    plain = app.get(f"Coverage?patient={app.patient}").json()
    spelled = respelled(f"{app.base}/fhir/Patient/{app.patient}")
    assert plain["total"] == app.get(f"Coverage?patient={spelled}").json()["total"] > 0
    assert (
        app.get(f"Coverage?patient=http://elsewhere.example/fhir/Patient/{app.patient}").json()["total"] == 0
    )


def test_an_entry_of_a_batch_is_found_in_any_spelling(app: SmartApp) -> None:
    app = loopback(app).connect("maria")
    spelled = respelled(f"{app.base}/fhir/Patient/{app.patient}")
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": spelled}}],
    }
    answer = app.http.post(f"{app.base}/fhir", json=bundle, headers=app.bearer)
    assert answer.json()["entry"][0]["response"]["status"].startswith("200")


def test_the_grader_has_one_spelling_of_its_target() -> None:
    assert base_url("HTTP://LOCALHOST:8080/fhir/") == "http://localhost:8080/fhir"
    assert base_url("https://payer.example:443/FHIR") == "https://payer.example/FHIR"


def test_an_assertion_names_the_token_endpoint_in_any_spelling(app: SmartApp) -> None:
    app = loopback(app)
    token = f"{app.base}/auth/token"
    for aud, status in [
        (respelled(token), 200),
        (f"{token}/", 401),
        (f"{app.base}/auth", 401),
        ([token], 200),
    ]:
        proof = form(assertion(aud))
        assert app.http.post(token, data=proof).status_code == status, aud
