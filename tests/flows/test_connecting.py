"""SMART standalone launch from the app's side: discovery, consent, tokens, refresh, the end of access."""

from __future__ import annotations

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from support.smart_app import MakeApp, SmartApp


def test_discovery_agrees_with_the_capability_statement(app: SmartApp) -> None:
    smart = app.get(".well-known/smart-configuration", Accept="text/html").json()
    extension = app.get("metadata").json()["rest"][0]["security"]["extension"][0]["extension"]
    uris = {e["url"]: e["valueUri"] for e in extension}
    assert uris["authorize"] == smart["authorization_endpoint"] == f"{app.base}/auth/authorize"
    assert uris["token"] == smart["token_endpoint"]
    assert smart["code_challenge_methods_supported"] == ["S256"]
    wanted = "launch-standalone client-public client-confidential-symmetric sso-openid-connect"
    wanted += " context-standalone-patient permission-offline permission-patient permission-user"
    assert set(wanted.split()) <= set(smart["capabilities"])


def test_a_member_connects_a_public_app(app: SmartApp) -> None:
    back = app.agree("maria")
    assert back["state"] == app.state
    assert back["iss"] == f"{app.base}/auth"
    answer = app.redeem(back["code"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    token = answer.json()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == app.scope
    assert token["patient"] == "mbr-0001"


def test_the_id_token_is_signed_by_the_published_key_and_names_the_member(maria: SmartApp) -> None:
    smart = maria.get(".well-known/smart-configuration").json()
    keys = KeySet.import_key_set(httpx.get(smart["jwks_uri"]).json())
    token = jwt.decode(maria.tokens["id_token"], keys, algorithms=["RS256"])
    assert token.header["kid"]
    assert token.claims["iss"] == smart["issuer"]
    assert token.claims["aud"] == "sandbox-app"
    assert token.claims["fhirUser"] == f"{maria.base}/fhir/Patient/mbr-0001"
    assert "maria" not in token.claims["sub"]
    openid = httpx.get(f"{smart['issuer']}/.well-known/openid-configuration").json()
    assert openid["issuer"] == smart["issuer"]
    assert openid["jwks_uri"] == smart["jwks_uri"]


def test_the_nonce_comes_back_in_the_id_token(app: SmartApp) -> None:
    token = app.redeem(app.agree("maria", nonce="n-0S6_WzA2Mj")["code"]).json()
    keys = KeySet.import_key_set(httpx.get(f"{app.base}/auth/jwks").json())
    assert jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims["nonce"] == "n-0S6_WzA2Mj"


def test_a_confidential_app_authenticates_by_basic(make_app: MakeApp) -> None:
    web = make_app(
        client_id="sandbox-web", redirect_uri="http://localhost:3000/callback", secret="sandbox-web-secret"
    )
    web.connect("maria")
    assert web.get(f"Patient/{web.patient}").status_code == 200
    assert web.refresh().status_code == 200


def test_a_confidential_app_with_a_wrong_secret_is_refused(make_app: MakeApp) -> None:
    web = make_app(client_id="sandbox-web", redirect_uri="http://localhost:3000/callback", secret="wrong")
    answer = web.redeem(web.agree("maria")["code"])
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_only_the_legacy_client_may_leave_pkce_out(make_app: MakeApp) -> None:
    legacy = make_app(client_id="legacy-app", redirect_uri="http://localhost:8000/callback", verifier=None)
    assert legacy.connect("maria").get("Coverage").status_code == 200
    modern = make_app(verifier=None)
    assert modern.callback(modern.authorize())["error"] == "invalid_request"


@pytest.mark.parametrize(
    "uri", ["http://localhost:1/x", "http://127.0.0.1/callback", "http://[::1]:8/cb?a=b"]
)
def test_the_default_client_takes_any_loopback_redirect(make_app: MakeApp, uri: str) -> None:
    assert "code" in make_app(redirect_uri=uri).agree("maria")


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://localhost@evil.example/cb",
        "https://127.0.0.1/cb#x",
        "javascript:alert(1)",
        "//127.0.0.1/cb",
    ],
)
def test_a_strange_redirect_uri_gets_a_page_and_no_redirect(make_app: MakeApp, uri: str) -> None:
    answer = make_app(redirect_uri=uri).authorize()
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


def test_an_unknown_client_gets_a_page_and_no_redirect(make_app: MakeApp) -> None:
    answer = make_app(client_id="nobody").authorize()
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_member_who_declines_sends_access_denied(app: SmartApp) -> None:
    back = app.agree("maria", decision="deny")
    assert back["error"] == "access_denied"
    assert back["state"] == app.state
    assert "code" not in back


def test_a_wrong_password_keeps_the_member_at_the_form(app: SmartApp) -> None:
    answer = app.log_in("maria", "wrong")
    assert answer.status_code == 400
    assert "password is incorrect" in answer.text


def test_the_ineligible_member_is_told_on_the_callback(app: SmartApp) -> None:
    back = app.agree("nina")
    assert back["error"] == "access_denied"
    assert "eligib" in back["error_description"]


def test_authorize_by_post(app: SmartApp) -> None:
    answer = app.browser.post(f"{app.base}/auth/authorize", data=app.request())
    assert answer.status_code == 303
    assert "/auth/login" in answer.headers["location"]


def test_refresh_rotates_and_the_old_token_revokes_the_family(maria: SmartApp) -> None:
    first = maria.tokens["refresh_token"]
    assert maria.refresh().status_code == 200
    assert maria.tokens["refresh_token"] != first
    assert maria.get("Coverage").status_code == 200
    again = maria.refresh(refresh_token=first)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert maria.get("Coverage").status_code == 401
    assert maria.refresh().status_code == 400


def test_a_refresh_may_ask_for_less_but_not_for_more(maria: SmartApp) -> None:
    assert maria.refresh(scope="patient/*.rs system/*.rs").json()["error"] == "invalid_scope"
    assert maria.refresh(scope="patient/*.rs").json()["scope"] == "patient/*.rs"


def test_an_access_token_ends_after_its_hour_and_access_after_a_year(maria: SmartApp) -> None:
    maria.control("clock", {"advance": "PT59M"})
    assert maria.get("Coverage").status_code == 200
    maria.control("clock", {"advance": "PT2M"})
    assert maria.get("Coverage").status_code == 401
    maria.control("clock", {"advance": "P363D"})
    assert maria.refresh().status_code == 200
    maria.control("clock", {"advance": "P2D"})
    assert maria.refresh().json()["error"] == "invalid_grant"


def test_revoking_the_refresh_token_ends_everything(maria: SmartApp) -> None:
    answer = maria.post("revoke", {"token": maria.tokens["refresh_token"]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert maria.get("Coverage").status_code == 401
    assert maria.refresh().status_code == 400
    assert maria.post("revoke", {"token": "never-issued"}).status_code == 200


def test_introspection_tells_the_client_about_its_own_token_only(make_app: MakeApp, maria: SmartApp) -> None:
    told = maria.post("introspect", {"token": maria.tokens["access_token"]}).json()
    assert told["active"] is True
    assert told["client_id"] == "sandbox-app"
    assert told["patient"] == maria.patient
    assert told["scope"] == maria.scope
    assert maria.post("introspect", {"token": "never-issued"}).json() == {"active": False}
    other = make_app(client_id="legacy-app")
    assert other.post("introspect", {"token": maria.tokens["access_token"]}).json() == {"active": False}


def test_a_form_of_the_wrong_type_is_an_oauth_error(app: SmartApp) -> None:
    answer = app.http.post(f"{app.base}/auth/token", json={"grant_type": "authorization_code"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_tokens_of_one_payer_mean_nothing_at_another(make_app: MakeApp, maria: SmartApp) -> None:
    other = make_app("portal-opt-in-required")
    other.tokens = maria.tokens
    assert other.get("Coverage").status_code == 401
