"""What strangers send: broken hosts and bodies, deep JSON, foreign forms, stalled connections."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest
from support.running import served
from support.smart_app import MakeApp, SmartApp, hidden

pytestmark = pytest.mark.slow


def raw(origin: str, text: bytes) -> bytes:
    """One request as bytes; the first line of the answer."""
    parts = urlsplit(origin)
    with socket.create_connection((parts.hostname, parts.port), timeout=600) as link:
        link.sendall(text)
        return link.recv(4096).partition(b"\r\n")[0]


def test_signing_out_ends_the_portal_session_itself(app: SmartApp) -> None:
    form = hidden(app.browser.get(f"{app.base}/portal")) | {"username": "maria", "password": "maria-pass"}
    app.browser.post(f"{app.base}/portal/login", data=form)
    name, cookie = app.session_cookie()
    page = app.browser.get(f"{app.base}/portal")
    assert "Hello" in page.text
    app.browser.post(f"{app.base}/portal/logout", data=hidden(page))
    again = httpx.get(f"{app.base}/portal", cookies={name: cookie})
    assert "Hello" not in again.text


def test_introspection_takes_a_bearer(maria: SmartApp) -> None:
    token = maria.tokens["access_token"]
    url = f"{maria.base}/auth/introspect"
    assert httpx.post(url, data={"token": token}, headers={"Authorization": f"Bearer {token}"}).json()[
        "active"
    ]
    assert httpx.post(url, data={"token": token}, headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize("hint", ["foo", "cookie", "access_token", "refresh_token", "urn:x", "\u2603"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_type_hint_is_a_hint_whatever_it_says(maria: SmartApp, kind: str, hint: str) -> None:
    """RFC 7009 §2.1, RFC 7662 §2.1: an unknown hint is ignored, and so is a wrong one."""
    hinted = {"token": maria.tokens[kind], "token_type_hint": hint}
    assert maria.post("introspect", hinted).json()["active"] is True
    assert maria.post("revoke", hinted).status_code == 200
    assert maria.post("introspect", hinted).json() == {"active": False}


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_parameters_that_mean_nothing_here_are_ignored(maria: SmartApp, endpoint: str) -> None:
    """RFC 6749 §3.2: unrecognized ones; RFC 8707 §2 and RFC 8693 §2.1: repeated ones."""
    form = {
        "token": {"grant_type": "refresh_token", "refresh_token": maria.tokens["refresh_token"]},
        "revoke": {"token": maria.tokens["access_token"]},
        "introspect": {"token": maria.tokens["access_token"]},
    }[endpoint]
    more = {"colour": "red", "resource": ["https://a.example", "https://b.example"], "audience": ["a", "b"]}
    answer = maria.post(endpoint, form | more)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    twice = maria.post(endpoint, form | {"colour": ["red", "red"]})  # type: ignore[dict-item]
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


def test_what_nothing_shown_refers_to_is_not_included(make_app: MakeApp) -> None:
    app = make_app("broken-references").connect("maria")
    bundle = app.get("ExplanationOfBenefit?_count=3&_include=ExplanationOfBenefit:*").json()
    kinds = {e["resource"]["resourceType"] for e in bundle["entry"]}
    assert "Organization" in kinds
    assert "Practitioner" not in kinds


def test_the_real_server_survives_stalled_and_broken_requests(env: dict[str, str]) -> None:
    with served(env=env) as origin:
        form = b"Content-Type: application/x-www-form-urlencoded\r\n"
        head = b"POST /auth/token HTTP/1.1\r\nHost: localhost\r\n" + form
        assert b"400" in raw(origin, head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        forged = b"GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /evil\r\n\r\n"
        assert b"500" not in raw(origin, forged)
        parts = urlsplit(origin)
        stalled = [socket.create_connection((parts.hostname, parts.port)) for _ in range(16)]
        for link in stalled:
            link.sendall(head + b"Content-Length: 100\r\n\r\nabc")
        assert httpx.get(f"{origin}/fhir/metadata").status_code == 200
        for link in stalled:
            link.close()
