"""SMART standalone launch from the app's side: discovery, consent, tokens, refresh, the end of access."""

from __future__ import annotations

import httpx
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


def test_a_form_of_the_wrong_type_is_an_oauth_error(app: SmartApp) -> None:
    answer = app.http.post(f"{app.base}/auth/token", json={"grant_type": "authorization_code"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_tokens_of_one_payer_mean_nothing_at_another(make_app: MakeApp, maria: SmartApp) -> None:
    other = make_app("portal-opt-in-required")
    other.tokens = maria.tokens
    assert other.get("Coverage").status_code == 401
