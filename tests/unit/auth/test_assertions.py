"""private_key_jwt as an attacker meets it: every check, told by name; a jti works once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from unit.auth.auth_desk import ISSUER, App, basic, changed
from unit.auth.keyring import AUD, NOW, claims, confused, key, public, raw, signed

from sandbox.auth.authentication.assertion import TYPE
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext

RSA = key("rsa", "RSA")
SERVICE = Client("svc", "Service", ("http://localhost:3000/callback",), jwks=public(key(), RSA))


@pytest.fixture
def svc(at: AuthContext) -> App:
    return App(changed(at, clients={**at.clients, "svc": SERVICE}), "svc")


def introspect(app: App, assertion: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """The cheapest call that authenticates: does the server know who is there?"""
    form = {"token": "x", "client_assertion": assertion, "client_assertion_type": TYPE, **more}
    return app.post({k: v for k, v in form.items() if v is not None}, "introspection")


@pytest.mark.parametrize(("pair", "alg"), [(key(), "ES384"), (RSA, "RS384")])
def test_a_good_assertion_authenticates(svc: App, pair: Any, alg: str) -> None:
    assert introspect(svc, signed(claims(), pair, alg)) == (200, {"active": False})


def test_the_whole_grant_works_with_a_key(svc: App) -> None:
    proof = {"client_assertion_type": TYPE, "client_assertion": signed(claims())}
    status, body = svc.exchange(svc.code(), client_id=None, **proof)
    assert (status, body["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize(
    "said",
    [
        claims(aud=[AUD]),
        claims(exp=NOW + 1),
        claims(exp=NOW + 299.5),
        claims(iat=None),
        claims(iat=NOW + 5),
        claims(nbf=NOW),
        claims(iat=NOW - 86400),
    ],
)
def test_what_the_standard_leaves_open_is_allowed(svc: App, said: dict[str, Any]) -> None:
    assert introspect(svc, signed(said))[0] == 200


REFUSED: dict[str, tuple[str, str]] = {
    "iss of another": (signed(claims(iss="app")), "iss"),
    "no iss": (signed(claims(iss=None)), "iss"),
    "aud of another payer": (signed(claims(aud="https://evil.example/auth/token")), "aud"),
    "aud is the issuer": (signed(claims(aud=ISSUER)), "aud"),
    "aud with a slash": (signed(claims(aud=AUD + "/")), "aud"),
    "aud of two servers": (signed(claims(aud=[AUD, "https://evil.example/token"])), "aud"),
    "aud of another tenant": (signed(claims(aud="https://h.example/s/x/auth/token")), "aud"),
    "aud an object": (signed(claims(aud={"a": 1})), "aud"),
    "no aud": (signed(claims(aud=None)), "aud"),
    "expired": (signed(claims(exp=NOW)), "expired"),
    "expired long ago": (signed(claims(exp=1)), "expired"),
    "too far ahead": (signed(claims(exp=NOW + 301)), "300 seconds"),
    "milliseconds": (signed(claims(exp=(NOW + 60) * 1000)), "exp"),
    "exp as text": (signed(claims(exp=str(NOW + 60))), "exp"),
    "exp true": (signed(claims(exp=True)), "exp"),
    "exp NaN": (signed(claims(exp=float("nan"))), "exp"),
    "exp infinite": (signed(claims(exp=float("inf"))), "exp"),
    "no exp": (signed(claims(exp=None)), "exp"),
    "from the future": (signed(claims(iat=NOW + 60)), "iat"),
    "iat as text": (signed(claims(iat="now")), "iat"),
    "not yet": (signed(claims(nbf=NOW + 60)), "nbf"),
    "no jti": (signed(claims(jti=None)), "jti"),
    "empty jti": (signed(claims(jti="")), "jti"),
    "jti a number": (signed(claims(jti=7)), "jti"),
    "jti half a character": (signed(claims(jti="\ud800")), "jti"),
    "jti endless": (signed(claims(jti="j" * 257)), "jti"),
    "alg none": (raw({"alg": "none", "typ": "JWT", "kid": "ec"}, claims()), "alg"),
    "alg None": (raw({"alg": "None", "typ": "JWT", "kid": "ec"}, claims()), "alg"),
    "alg left out": (raw({"typ": "JWT", "kid": "ec"}, claims()), ""),
    "alg a list": (raw({"alg": ["ES384"], "typ": "JWT", "kid": "ec"}, claims()), ""),
    "RS256": (signed(claims(), RSA, "RS256"), "alg"),
    "PS384": (signed(claims(), RSA, "PS384"), "alg"),
    "HS256 with the public key": (confused(claims(), RSA.as_pem(private=False)), "alg"),
    "HS384 with the public key": (confused(claims(), RSA.as_pem(private=False), "HS384"), "alg"),
    "HS256 with the JWK": (confused(claims(), json.dumps(public(RSA)["keys"][0]).encode()), "alg"),
    "typ left out": (signed(claims(), typ=None), "typ"),
    "typ of an access token": (signed(claims(), typ="at+jwt"), "typ"),
    "kid left out": (signed(claims(), kid=None), "kid"),
    "kid unknown": (signed(claims(), kid="other"), "kid"),
    "kid of the other type": (signed(claims(), kid="rsa"), "kid"),
    "a key of a stranger": (signed(claims(), key("stranger"), kid="ec"), "signature"),
    "its own key in the header": (
        signed(claims(), key("stranger"), kid="ec", jwk=key("stranger").as_dict(private=False)),
        "signature",
    ),
    "no signature": (signed(claims()).rpartition(".")[0] + ".", "signature"),
    "jku of a stranger": (signed(claims(), jku="https://evil.example/jwks"), "jku"),
    "jku a number": (raw({"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": 7}, claims()), "jku"),
    "kid with quotes": (raw({"alg": "ES384", "typ": "JWT", "kid": '"\\\u2028'}, claims()), "kid"),
    "crit": (raw({"alg": "ES384", "typ": "JWT", "kid": "ec", "crit": ["exp"]}, claims()), "crit"),
    "two parts": (signed(claims()).rpartition(".")[0], "signed JWT"),
    "words": ("hello", "signed JWT"),
    "not ASCII": ("é.é.é", "signed JWT"),
    "nothing": ("", "signed JWT"),
    "claims a list": (raw({"alg": "ES384", "typ": "JWT", "kid": "ec"}, "[1]"), ""),
    "deep claims": (raw({"alg": "ES384", "typ": "JWT", "kid": "ec"}, "[" * 9000), ""),
    "too long": (signed(claims(jti="j" * 20_000)), "longer"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_is_wrong_is_401_and_named(svc: App, name: str) -> None:
    assertion, says = REFUSED[name]
    status, body = introspect(svc, assertion, client_id="svc")
    assert (status, body["error"]) == (401, "invalid_client")
    # An assertion that does not say who it is from is told so.
    assert says in body["error_description"] or "differs from sub" in body["error_description"], body
    status, body = introspect(svc, assertion)
    assert (status, body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("name", ["iss of another", "expired", "HS256 with the public key", "kid unknown"])
def test_a_refused_assertion_spends_no_jti(svc: App, name: str) -> None:
    introspect(svc, REFUSED[name][0])
    assert introspect(svc, signed(claims()))[0] == 200


def test_a_tampered_claim_breaks_the_signature(svc: App) -> None:
    head, _, signature = signed(claims(exp=1)).split(".")
    body = raw({}, claims()).split(".")[1]
    assert "signature" in introspect(svc, f"{head}.{body}.{signature}")[1]["error_description"]


def test_a_jti_works_once_until_it_expires(svc: App) -> None:
    assertion = signed(claims(exp=NOW + 60))
    assert introspect(svc, assertion)[0] == 200
    assert "jti was already used" in introspect(svc, assertion)[1]["error_description"]
    again = signed(claims(exp=NOW + 300))  # another assertion with the same jti
    assert introspect(svc, again)[0] == 401
    svc.advance(seconds=61)
    assert introspect(svc, signed(claims(exp=NOW + 300)))[0] == 200


def test_two_clients_may_use_the_same_jti(at: AuthContext) -> None:
    other = replace(SERVICE, client_id="svc2")
    app = App(changed(at, clients={"svc": SERVICE, "svc2": other}), "svc")
    assert introspect(app, signed(claims()))[0] == 200
    assert introspect(app, signed(claims(iss="svc2", sub="svc2")))[0] == 200


def test_of_twenty_replays_at_once_one_wins(svc: App) -> None:
    assertion = signed(claims())
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: introspect(svc, assertion)[0], range(20)))
    assert sorted(found) == [200] + [401] * 19


def test_the_payer_s_clock_decides(svc: App) -> None:
    svc.advance(days=90)
    status, body = introspect(svc, signed(claims()))
    assert status == 401
    assert str(NOW + 90 * 86400) in body["error_description"]


# one way to authenticate, and only one at a time


@pytest.mark.parametrize(
    "type_", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TYPE + "x"]
)
def test_the_assertion_type_is_exact(svc: App, type_: str | None) -> None:
    status, body = introspect(svc, signed(claims()), client_assertion_type=type_)
    assert (status, body["error"]) == (401, "invalid_client")
    assert "client_assertion_type" in body["error_description"]


def test_two_ways_at_once_are_refused(svc: App) -> None:
    assertion = signed(claims())
    header = replace(svc, headers=basic("svc", "x"))
    for app, more in ((header, {}), (svc, {"client_secret": "x"})):
        status, body = introspect(app, assertion, **more)
        assert (status, body["error"]) == (400, "invalid_request")


def test_the_form_and_the_assertion_name_one_client(svc: App) -> None:
    assert introspect(svc, signed(claims()), client_id="app")[0] == 401
    assert introspect(svc, signed(claims()), client_id="svc")[0] == 200


def test_a_client_with_a_key_cannot_come_in_without(svc: App) -> None:
    status, body = svc.post({"token": "x", "client_id": "svc"}, "introspection")
    assert (status, body["error"]) == (401, "invalid_client")
    assert "private_key_jwt" in body["error_description"]
    assert replace(svc, headers=basic("svc", "")).post({"token": "x"}, "introspection")[0] == 401


@pytest.mark.parametrize("id", ["app", "web", "nobody"])
def test_a_client_without_a_key_cannot_come_in_with_one(svc: App, id: str) -> None:
    assert introspect(svc, signed(claims(iss=id, sub=id)))[0] == 401


@pytest.mark.parametrize(
    ("client", "form", "says"),
    [
        ("web", {"client_id": "web"}, "client_secret_basic"),
        ("web", {"client_id": "web", "client_secret": "s3cret: +%ü"}, "client_secret_basic"),
        ("app", {"client_id": "app", "client_secret": "x"}, "by none"),
    ],
)
def test_only_the_registered_way_works(app: App, client: str, form: dict[str, str], says: str) -> None:
    status, body = app.post({"token": "x", **form}, "introspection")
    assert (status, body["error"]) == (401, "invalid_client")
    assert says in body["error_description"]


@pytest.mark.parametrize("tolerated", [True, False])
def test_a_secret_in_the_form_is_a_character_s_quirk(at: AuthContext, tolerated: bool) -> None:
    web = replace(at.clients["web"], token_endpoint_auth_method="client_secret_post")
    app = App(changed(at, clients={"web": web}, payer=replace(at.payer, client_secret_post=tolerated)), "web")
    right = {"token": "x", "client_id": "web", "client_secret": "s3cret: +%ü"}
    assert app.post(right, "introspection")[0] == (200 if tolerated else 401)
    assert app.post({**right, "client_secret": "wrong"}, "introspection")[0] == 401
    assert replace(app, headers=basic("web", "s3cret: +%ü")).post({"token": "x"}, "introspection")[0] == 401


@pytest.mark.parametrize("state", ["submitted", "denied", "suspended"])
def test_a_client_that_is_not_approved_is_told_its_state(at: AuthContext, state: Any, web: App) -> None:
    stopped = replace(at.clients["web"], state=state, criterion=None if state == "submitted" else "malware")
    app = App(changed(at, clients={"web": stopped}), "web", web.headers)
    status, body = app.post({"token": "x"}, "introspection")
    assert (status, body["error"]) == (401, "invalid_client")
    assert state in body["error_description"]
    assert ("malware" in body["error_description"]) == (state != "submitted")
    wrong = App(changed(at, clients={"web": stopped}), "web", basic("web", "wrong"))
    assert state not in wrong.post({"token": "x"}, "introspection")[1]["error_description"]
