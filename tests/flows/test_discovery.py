"""Every document that says what the payer is agrees with the others, wherever it is asked (SMART-001 to
SMART-008, RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from support.smart_app import MakeApp, SmartApp

CARIN = {
    "launch-standalone",
    "client-public",
    "client-confidential-symmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-patient",
    "permission-user",
}
CARIN_TYPES = ("ExplanationOfBenefit", "Coverage", "Patient", "Organization", "Practitioner")


def smart(app: SmartApp) -> dict[str, Any]:
    document: dict[str, Any] = app.get(".well-known/smart-configuration").json()
    return document


@pytest.mark.parametrize("accept", ["text/html", "application/fhir+xml", "*/*", "nonsense"])
def test_it_is_json_whatever_is_accepted_and_whoever_asks(app: SmartApp, accept: str) -> None:
    answer = app.get(".well-known/smart-configuration", Accept=accept, Authorization="Bearer nonsense")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


def test_it_says_what_carin_wants_of_a_server(app: SmartApp) -> None:
    told = smart(app)
    assert set(told["capabilities"]) >= CARIN
    wanted = {"openid", "fhirUser", "launch/patient"}
    wanted |= {f"{who}/{kind}.read" for who in ("patient", "user") for kind in CARIN_TYPES}
    assert wanted <= set(told["scopes_supported"])
    assert {"permission-v1", "permission-v2", "client-confidential-asymmetric"} <= set(told["capabilities"])
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]


def test_every_endpoint_that_is_named_answers(app: SmartApp) -> None:
    for name, url in smart(app).items():
        if name.endswith(("_endpoint", "_uri", "_bundle")):
            assert url.startswith(f"{app.base}/"), name
            assert app.http.get(url).status_code in (200, 302, 400, 405), name


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
@pytest.mark.parametrize("prefix", ["", "/s/baseline~discovery", "/s/rate-limited.broken-references"])
def test_metadata_are_found_below_the_issuer_and_at_the_root(origin: str, name: str, prefix: str) -> None:
    issuer = f"{origin}{prefix}/auth"
    below = httpx.get(f"{issuer}/.well-known/{name}")
    at_root = httpx.get(f"{origin}/.well-known/{name}{urlsplit(issuer).path}")
    assert below.status_code == at_root.status_code == 200
    assert below.json() == at_root.json()
    assert below.json()["issuer"] == issuer
    told = httpx.get(f"{origin}{prefix}/fhir/.well-known/smart-configuration").json()
    assert {k: v for k, v in below.json().items() if k in told}.items() <= told.items()


@pytest.mark.parametrize(
    "path",
    [
        "oauth-authorization-server",
        "oauth-authorization-server/",
        "oauth-authorization-server/fhir",
        "oauth-authorization-server/s/nope/auth",
        "oauth-authorization-server/s/baseline/auth/token",
        "oauth-authorization-server/_sandbox/auth",
        "smart-configuration/auth",
    ],
)
def test_other_paths_at_the_root_lead_nowhere(origin: str, path: str) -> None:
    assert httpx.get(f"{origin}/.well-known/{path}").status_code == 404


def test_a_payer_that_never_refreshes_does_not_offer_it(at: Callable[..., SmartApp]) -> None:
    told = smart(at("no-refresh"))
    assert "refresh_token" not in told["grant_types_supported"]
    assert not {"permission-offline", "permission-online"} & set(told["capabilities"])
    assert not {"offline_access", "online_access"} & set(told["scopes_supported"])


def test_withheld_types_are_in_no_scope(at: Callable[..., SmartApp]) -> None:
    scopes = smart(at("all-types"))["scopes_supported"]
    assert not [scope for scope in scopes if "Observation" in scope]
    assert "patient/Condition.rs" in scopes


def test_a_rotated_key_is_published_beside_the_old_one(maria: SmartApp, make_app: MakeApp) -> None:
    def keys() -> KeySet:
        return KeySet.import_key_set(httpx.get(f"{maria.base}/auth/jwks").json())

    old = maria.tokens["id_token"]
    said = maria.control("keys/rotate", {}).json()
    assert len(said["published"]) == 2
    new = make_app().connect("walter").tokens["id_token"]
    for id_token in (old, new):
        assert jwt.decode(id_token, keys(), algorithms=["RS256"]).claims["iss"] == f"{maria.base}/auth"
    assert jwt.decode(new, keys(), algorithms=["RS256"]).header["kid"] == said["kid"]
    maria.control("clock", {"advance": "PT1H"})
    assert [key["kid"] for key in httpx.get(f"{maria.base}/auth/jwks").json()["keys"]] == [said["kid"]]
    other = make_app("portal-opt-in-required")
    assert len(httpx.get(f"{other.base}/auth/jwks").json()["keys"]) == 1


def test_rotating_keys_is_for_whoever_runs_the_sandbox(app: SmartApp) -> None:
    url = f"{app.base}/_sandbox/keys/rotate"
    assert httpx.post(url, headers={"Origin": "https://evil.example"}).status_code == 403
    assert httpx.get(url).status_code == 405
