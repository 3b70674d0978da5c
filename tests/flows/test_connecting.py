"""SMART standalone launch from the app's side: discovery, consent, tokens, refresh, the end of access."""

from __future__ import annotations

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet
from support.smart_app import MakeApp, SmartApp


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


def test_tokens_of_one_payer_mean_nothing_at_another(make_app: MakeApp, maria: SmartApp) -> None:
    other = make_app("portal-opt-in-required")
    other.tokens = maria.tokens
    assert other.get("Coverage").status_code == 401
