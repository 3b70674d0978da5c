"""Exchanging a code: once, by its own client, with its verifier, within its minute."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from unit.auth.auth_desk import CALLBACK, FHIR, ISSUER, SCOPE, App, basic

from sandbox.auth.tokens.id_token import jwks
from sandbox.core.payer import PayerProfile


def test_a_code_becomes_a_token(app: App) -> None:
    token = app.sign_in()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert (token["scope"], token["patient"]) == (SCOPE, "p1")
    assert app.is_alive(token["access_token"])
    assert token["refresh_token"] != token["access_token"]


def test_a_code_works_once_and_used_twice_everything_of_it_is_revoked(app: App) -> None:
    code = app.code()
    _, token = app.exchange(code)
    status, refusal = app.exchange(code)
    assert (status, refusal["error"]) == (400, "invalid_grant")
    assert not app.is_alive(token["access_token"])
    assert app.refresh(token["refresh_token"])[1]["error"] == "invalid_grant"


def test_of_many_exchanges_at_once_one_wins(app: App) -> None:
    code = app.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.exchange(code)[0], range(8)))
    assert answers.count(200) == 1
    assert answers.count(400) == 7


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "v" * 42}, "invalid_request"),
        ({"code_verifier": "é" * 43}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:3001/callback"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "web"}, "invalid_client"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": 'é\n"\\'}, "unsupported_grant_type"),
        ({"grant_type": ["authorization_code", "authorization_code"]}, "invalid_request"),
        ({"code_verifier": "v\x00" * 30}, "invalid_request"),
        ({"unknown": ["a", "b"]}, "invalid_request"),
        ({"client_secret": "guess"}, "invalid_client"),
    ],
)
def test_a_wrong_exchange_is_refused_and_does_not_burn_the_code(
    app: App, changes: dict[str, Any], error: str
) -> None:
    code = app.code()
    status, body = app.exchange(**{"code": code, **changes})
    assert body["error"] == error
    assert status == (401 if error == "invalid_client" else 400)
    assert app.exchange(code)[0] == 200


def test_a_code_lives_as_long_as_the_payer_says(app: App) -> None:
    code, late = app.code(), app.code()
    app.advance(seconds=59.999)
    assert app.exchange(code)[0] == 200
    app.advance(seconds=0.001)
    assert app.exchange(late)[1]["error"] == "invalid_grant"


def test_a_verifier_without_a_challenge_is_a_downgrade(app: App) -> None:
    legacy = replace(app, client="legacy")
    plain: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    code = legacy.code(**plain)
    assert legacy.exchange(code)[0] == 400
    assert legacy.exchange(code, code_verifier=None)[0] == 200


@pytest.mark.parametrize("lasting", ["offline_access", "online_access", "offline_access online_access"])
def test_who_cannot_refresh_is_promised_no_lasting_access(app: App, lasting: str) -> None:
    scope = f"{lasting} patient/*.rs"
    for cannot in (replace(app, client="codes-only"), app.under(PayerProfile(refresh_max_days=None))):
        token = cannot.sign_in(scope=scope)
        assert "refresh_token" not in token
        assert token["scope"] == "patient/*.rs"
    assert app.sign_in(scope=scope)["scope"] == scope


def test_offline_access_is_what_brings_a_refresh_token(app: App) -> None:
    assert "refresh_token" not in app.sign_in(scope="openid patient/*.rs")
    assert "refresh_token" in app.sign_in(scope="online_access patient/*.rs")
    assert "refresh_token" not in app.under(PayerProfile(refresh_max_days=None)).sign_in()


# client authentication


def test_a_confidential_client_authenticates_with_basic(web: App) -> None:
    assert web.sign_in()["access_token"]
    assert web.exchange(web.code(), client_id="web")[0] == 200
    assert web.exchange(web.code(), client_id="app")[1]["error"] == "invalid_request"


def _bad_headers() -> list[str]:
    other = [basic("web", "wrong"), basic("nobody", "x"), basic("web", ""), basic("app", "x")]
    return [
        *(header["Authorization"] for header in other),
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic é",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer token",
    ]


@pytest.mark.parametrize("header", _bad_headers())
def test_a_client_that_cannot_authenticate_is_challenged(web: App, header: str) -> None:
    form = {"grant_type": "authorization_code", "code": web.code(), "redirect_uri": CALLBACK}
    status, body = replace(web, headers={"Authorization": header}).post(form)
    assert (status, body["error"]) == (401, "invalid_client")


def test_a_secret_in_the_form_is_refused_alone_and_beside_basic(web: App) -> None:
    posted = replace(web, headers={})
    secret = "s3cret: +%ü"
    assert posted.exchange(web.code(), client_secret=secret)[1]["error"] == "invalid_client"
    status, body = web.exchange(web.code(), client_secret=secret)
    assert (status, body["error"]) == (400, "invalid_request")
    assert "two ways" in body["error_description"]


# the id_token


def test_the_id_token_is_signed_and_says_who(app: App, key: str) -> None:
    token = app.sign_in(nonce="n-0S6")
    public = jwks(key)
    found = jwt.decode(token["id_token"], KeySet.import_key_set(public), algorithms=["RS256"])
    now = app.desk.now() // 1000
    assert found.header["kid"] == public["keys"][0]["kid"]
    assert found.claims.pop("sub") == app.introspect(token["access_token"])["sub"]
    assert found.claims == {
        "iss": ISSUER,
        "aud": "app",
        "iat": now,
        "exp": now + 3600,
        "nonce": "n-0S6",
        "fhirUser": f"{FHIR}/Patient/p1",
    }


def test_the_public_keys_hold_nothing_private(key: str) -> None:
    (public,) = jwks(key)["keys"]
    assert set(public) == {"kty", "n", "e", "alg", "kid", "use"}


def test_an_id_token_comes_only_with_openid_and_a_nonce_only_when_sent(app: App, key: str) -> None:
    assert "id_token" not in app.sign_in(scope="patient/*.rs")
    found = jwt.decode(app.sign_in()["id_token"], KeySet.import_key_set(jwks(key)), algorithms=["RS256"])
    assert "nonce" not in found.claims


def test_a_careless_payer_lets_a_code_work_twice(app: App) -> None:
    careless = app.under(PayerProfile(code_once=False, code_seconds=600))
    code = careless.code()
    first, second = careless.exchange(code), careless.exchange(code)
    assert (first[0], second[0]) == (200, 200)
    assert careless.is_alive(first[1]["access_token"])
    careless.advance(seconds=601)
    assert careless.exchange(code)[1]["error"] == "invalid_grant"


def test_a_careless_payer_still_asks_for_the_verifier(app: App) -> None:
    careless = app.under(PayerProfile(code_once=False))
    code = careless.code()
    assert careless.exchange(code)[0] == 200
    assert careless.exchange(code, code_verifier="w" * 43)[0] == 400


def test_where_basic_is_not_taken_the_form_is(web: App) -> None:
    strict = web.under(PayerProfile(client_secret_basic=False))
    code = strict.code()
    assert strict.exchange(code)[0] == 401
    posting = replace(strict, headers={})
    assert posting.exchange(code, client_secret="wrong")[0] == 401
    assert posting.exchange(code, client_secret="s3cret: +%ü")[0] == 200
    assert replace(web, headers={}).exchange(code, client_secret="s3cret: +%ü")[0] == 401
