"""The token endpoints answer whatever comes, in RFC 6749 JSON; and public apps by HTTP Basic."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet
from support.fuzzing import FORM, GOOD, LIVE, METADATA, ODD, PATHS, Asked, Member, Seen, check, encoded
from support.smart_app import MakeApp, SmartApp
from werkzeug.test import Client

ENDPOINTS = ("token", "revoke", "introspect", "par", "register")


@pytest.fixture(scope="module")
def member(app_of: Callable[..., Flask]) -> Member:
    return Member(app_of(), "baseline~manners")


# no input gives a 5xx

HEADERS = (
    "Authorization", "Cookie", "Origin", "Referer", "Content-Type", "Accept", "Accept-Language",
    "Accept-Encoding", "User-Agent", "X-Sandbox-Scenario", "X-Request-Id", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "If-None-Match", "Prefer", "Sec-Fetch-Site",
    "Access-Control-Request-Method",
)  # fmt: skip
VALUES = ("\xff", "\x7f", "%zz", "'<>&", "a" * 8193)
AUTHORIZATIONS = ("Basic", "Basic ", "Basic \xff", "Basic /w==", "Basic Og==", "Basic OnNlY3JldA==",
                  "Basic AAA6AA==", "Basic JWZmOiVmZg==", "Bearer \xff", "Bearer  ",
                  "Digest \xe9=")  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_breaks_an_endpoint(member: Member, header: str) -> None:
    values = AUTHORIZATIONS if header == "Authorization" else VALUES
    for path in PATHS:
        body = encoded([(name, LIVE) for name in GOOD.get(path, ())])
        for value in values:
            headers = ((header, value), *(() if header == "Content-Type" else (("Content-Type", FORM),)))
            asked = Asked("POST" if path in GOOD else "GET", path, b"", body, headers, "none")
            check(asked, member.send(asked), Seen())


@pytest.mark.parametrize("path", GOOD)
def test_no_field_breaks_an_endpoint(member: Member, path: str) -> None:
    names = {*GOOD[path], "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope",
             "refresh_token", "token_type_hint", "grant_type", "code"}  # fmt: skip
    for number, name in enumerate(sorted(names)):
        for value in (*ODD, b"")[number % 3 :: 3]:  # every value, and a third of them for each field
            pairs = [(each, LIVE) for each in GOOD[path] if each != name] + [(name, value)]
            asked = Asked("POST", path, b"", encoded(pairs), (("Content-Type", FORM),), "live")
            check(asked, member.send(asked), Seen())


@pytest.mark.parametrize("name", sorted({*METADATA, "scope", "jwks", "jwks_uri", "client_uri", "scenario",
                                         "contacts", "software_id", "response_types"}))  # fmt: skip
def test_no_member_of_a_registration_breaks_it(app_of: Callable[..., Flask], name: str) -> None:
    """Also when the client that came of it is used."""
    texts = [odd.decode("utf-8", "surrogatepass" if odd == b"\xed\xa0\x80" else "replace") for odd in ODD]
    uris = ["http://[::1]evil.com/", "http://[::1", "http://[::1]:99999/", "https://a:b:c/", "http://[v1.x]/",
            "http://[fe80::1%25eth0]/", "https://\u2603.example/", "http://127.0.0.1:/", "https://[::]/",
            "http:///"]  # fmt: skip
    keys = {"grant_types": ["client_credentials"], "scope": "system/*.rs", "redirect_uris": []}
    keyed = METADATA | keys | {"token_endpoint_auth_method": "private_key_jwt"}
    browser = Client(app_of())
    for value in [*texts, *uris, None, 0, -1, 1e308, True, [], {}, [[]], [None], {"keys": [{}]}]:
        for metadata in (METADATA, keyed) if name.startswith("jwks") else (METADATA,):
            for whole in (value, [value]):
                answer = browser.post("/s/~members/auth/register", json=metadata | {name: whole})
                assert answer.status_code in (201, 400, 413, 415, 429), (name, whole, answer.text)
                assert answer.mimetype == "application/json"
                if answer.status_code == 400:
                    assert {"error", "error_description"} <= set(answer.get_json())
                    continue
                client = answer.get_json()["client_id"]
                proof = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.e30.AA"
                form = {"grant_type": "client_credentials", "client_id": client, "client_assertion": proof}
                used = browser.post("/s/~members/auth/token", data=form)
                assert used.status_code in (400, 401), used.text


# RFC 6749 JSON, whatever is wrong

WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown scenario in the path": ("/s/nonsense/auth/{}", {}),
    "unknown scenario with a slash": ("/s/non/sense/auth/{}", {}),
    "unknown scenario with an encoded slash": ("/s/non%2Fsense/auth/{}", {}),
    "unknown scenario with a blank": ("/s/non%20sense/auth/{}", {}),
    "no scenario": ("/s//auth/{}", {}),
    "wrong dial": ("/s/slow-responses,seconds=x/auth/{}", {}),
    "wrong session": ("/s/~a%20b/auth/{}", {}),
    "unknown scenario in the header": ("/auth/{}", {"headers": {"X-Sandbox-Scenario": "nonsense"}}),
    "no content type": ("/auth/{}", {"data": b"a=b"}),
    "multipart": ("/auth/{}", {"data": {"a": "b"}, "content_type": "multipart/form-data"}),
    "text": ("/auth/{}", {"data": b"a=b", "content_type": "text/plain"}),
    "XML": ("/auth/{}", {"data": b"<a/>", "content_type": "application/xml"}),
    "a large body": ("/auth/{}", {"data": b"a=" + b"x" * 3_000_000, "content_type": FORM}),
    "below": ("/auth/{}/below/it", {"data": b"a=b", "content_type": FORM}),
    "above": ("/nothing/auth/{}", {"data": b"a=b", "content_type": FORM}),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("wrong", WRONG)
def test_every_error_of_a_token_endpoint_is_json(
    app_of: Callable[..., Flask], wrong: str, endpoint: str
) -> None:
    path, options = WRONG[wrong]
    answer = Client(app_of()).post(path.format(endpoint), **options)
    assert 400 <= answer.status_code < 500
    assert answer.mimetype == "application/json"
    assert set(answer.get_json()) == {"error", "error_description"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE"])
def test_a_wrong_method_is_json(app_of: Callable[..., Flask], method: str, endpoint: str) -> None:
    answer = Client(app_of()).open(f"/auth/{endpoint}", method=method)
    assert (answer.status_code, answer.mimetype) == (405, "application/json")
    assert "POST" in answer.headers["Allow"]


# HTTP Basic of a public client (A13)


def by_basic(app: SmartApp, client: str, secret: str | None, form: dict[str, str]) -> httpx.Response:
    pair = client if secret is None else f"{client}:{secret}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return app.http.post(f"{app.base}/auth/token", data=form, headers=header)


@pytest.mark.parametrize("secret", ["", None], ids=["empty password", "id only"])
@pytest.mark.parametrize("more", [{}, {"client_secret": ""}, {"client_id": "legacy-app"}])
def test_the_legacy_app_may_send_its_id_by_basic(
    make_app: MakeApp, secret: str | None, more: dict[str, str]
) -> None:
    app = make_app(client_id="legacy-app", redirect_uri="http://127.0.0.1:8000/callback")
    form = {"grant_type": "authorization_code", "code": app.agree("maria")["code"],
            "redirect_uri": app.redirect_uri, "code_verifier": app.verifier or ""}  # fmt: skip
    answer = by_basic(app, "legacy-app", secret, form | more)
    assert answer.status_code == 200, answer.text
    again = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    assert by_basic(app, "legacy-app", secret, again | more).status_code == 200


@pytest.mark.parametrize(
    ("client", "secret"),
    [("sandbox-app", ""), ("sandbox-app", None), ("legacy-app", "x"), ("sandbox-web", "")],
)
def test_nobody_else_comes_in_without_a_password(app: SmartApp, client: str, secret: str | None) -> None:
    answer = by_basic(app, client, secret, {"grant_type": "refresh_token", "refresh_token": "x"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_empty_secret_in_the_form_is_none(app: SmartApp) -> None:
    app = app.connect("maria")
    assert app.refresh(client_secret="").status_code == 200


# a payer that does not read forms


@pytest.mark.parametrize("place", ["json", "query"])
def test_a_token_endpoint_may_read_its_parameters_elsewhere(make_app: MakeApp, place: str) -> None:
    app = make_app(f"token-request-as-json,format={place}")
    code = app.agree("maria")["code"]
    refused = app.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    parameters = {
        "client_id": app.client_id,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": app.verifier or "",
    }
    sent: dict[str, Any] = {"json": parameters} if place == "json" else {"params": parameters}
    answer = app.http.post(f"{app.base}/auth/token", **sent)
    assert answer.status_code == 200, answer.text
    renewed = {"client_id": app.client_id, "grant_type": "refresh_token"}
    renewed["refresh_token"] = answer.json()["refresh_token"]
    sent = {"json": renewed} if place == "json" else {"params": renewed}
    assert app.http.post(f"{app.base}/auth/token", **sent).status_code == 200


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"grant_type": 1}', b'"x"', b"\xff"])
def test_a_json_body_without_parameters_is_refused(make_app: MakeApp, body: bytes) -> None:
    app = make_app("token-request-as-json")
    headers = {"Content-Type": "application/json"}
    answer = app.http.post(f"{app.base}/auth/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_access_token_may_be_a_jwt_that_verifies(make_app: MakeApp) -> None:
    app = make_app("access-token-is-a-jwt").connect("maria")
    keys = KeySet.import_key_set(app.http.get(f"{app.base}/auth/jwks").json())
    token = jwt.decode(app.tokens["access_token"], keys, algorithms=["RS256"])
    assert token.header["typ"] == "at+jwt"
    expected = {"iss": f"{app.base}/auth", "aud": f"{app.base}/fhir", "client_id": app.client_id}
    assert token.claims.items() >= (expected | {"patient": app.patient}).items()
    assert app.get(f"Patient/{app.patient}").status_code == 200
