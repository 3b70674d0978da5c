"""client_credentials: a service with a key gets a short token for the system scopes it is registered for."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from unit.auth.auth_desk import App, args, basic, changed
from unit.auth.keyring import claims, key, public, signed

from sandbox.auth.authentication.assertion import TYPE
from sandbox.auth.authorization import authorize
from sandbox.auth.authorization.decision import Decision, issue
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.tokens.access_token import Access, access
from sandbox.core.payer import PayerProfile
from sandbox.store.secret import digest

GRANTS = ("client_credentials",)
REGISTERED = "system/ExplanationOfBenefit.rs system/Observation.rs?category=s|lab system/Patient.read"
SERVICES = (
    Client("svc", "Service", jwks=public(key()), grant_types=GRANTS, scope=REGISTERED),
    Client("no-scope", "Service", jwks=public(key()), grant_types=GRANTS),
    Client("no-grant", "Service", jwks=public(key()), scope=REGISTERED),
    Client("secret", "Service", secret_sha256=digest("s"), grant_types=GRANTS, scope=REGISTERED),
    Client("public", "Service", grant_types=GRANTS, scope=REGISTERED),
)
_NUMBERS = count()


@pytest.fixture
def svc(at: AuthContext) -> App:
    return App(changed(at, clients={**at.clients, **{c.client_id: c for c in SERVICES}}), "svc")


def ask(app: App, scope: str | None, client: str = "svc") -> tuple[int, dict[str, Any]]:
    said = claims(iss=client, sub=client, jti=str(next(_NUMBERS)), exp=app.desk.now() // 1000 + 300)
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "scope": scope}
    form["client_assertion"] = signed(said)
    return app.post({name: value for name, value in form.items() if value is not None})


def test_a_service_gets_a_short_token_and_no_refresh_token(svc: App) -> None:
    status, token = ask(svc, "system/ExplanationOfBenefit.rs")
    assert (status, set(token)) == (200, {"access_token", "token_type", "expires_in", "scope"})
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 300)
    allowed = access(svc.desk, f"Bearer {token['access_token']}")
    assert allowed == Access(None, "", "svc", ("system/ExplanationOfBenefit.rs",))
    svc.advance(seconds=300)
    with pytest.raises(Exception, match="expired"):
        access(svc.desk, f"Bearer {token['access_token']}")


def test_a_payer_with_shorter_tokens_gives_shorter_ones(svc: App) -> None:
    assert ask(svc.under(PayerProfile(access_token_seconds=60)), "system/Patient.r")[1]["expires_in"] == 60
    assert ask(svc.under(PayerProfile(refresh_max_days=None)), "system/Patient.r")[1]["expires_in"] == 300


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("system/ExplanationOfBenefit.rs system/Coverage.rs", "system/ExplanationOfBenefit.rs"),
        ("system/*.rs system/Patient.rs", "system/Patient.rs"),
        ("system/Patient.cruds", "system/Patient.rs"),
        ("system/Observation.rs system/Patient.s", "system/Patient.s"),
        ("system/Observation.r?category=s|lab", "system/Observation.r?category=s|lab"),
        ("patient/Patient.rs openid offline_access system/Patient.read", "system/Patient.read"),
    ],
)
def test_what_is_beyond_the_registration_is_left_out_and_told(svc: App, asked: str, granted: str) -> None:
    assert ask(svc, asked)[1]["scope"] == granted


@pytest.mark.parametrize(
    ("scope", "client", "error"),
    [
        (None, "svc", "invalid_scope"),
        ("", "svc", "invalid_scope"),
        ("system/*.rs", "svc", "invalid_scope"),
        ("system/Coverage.rs", "svc", "invalid_scope"),
        ("patient/Patient.rs openid", "svc", "invalid_scope"),
        ("system/Patient.cud", "svc", "invalid_scope"),
        ("system/Patient.rs", "no-scope", "invalid_scope"),
        ("system/Patient.rs", "no-grant", "unauthorized_client"),
        ("system/Patient.rs", "public", "invalid_client"),
        ("system/Patient.rs", "nobody", "invalid_client"),
    ],
)
def test_a_service_is_refused_by_the_book(svc: App, scope: str | None, client: str, error: str) -> None:
    status, body = ask(svc, scope, client)
    assert (status, body["error"]) == (401 if error == "invalid_client" else 400, error)
    assert "access_token" not in body


def test_a_secret_is_not_enough_for_a_backend_service(svc: App) -> None:
    app = replace(svc, client="secret", headers=basic("secret", "s"))
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    assert app.post(form)[1]["error"] == "unauthorized_client"
    assert replace(svc, client="public").post({**form, "client_id": "public"})[1]["error"] == (
        "unauthorized_client"
    )


def test_a_service_is_told_about_its_token_and_about_no_member(svc: App) -> None:
    _, token = ask(svc, "system/Patient.rs")
    proof = {"client_assertion_type": TYPE, "client_assertion": signed(claims(jti="told"))}
    status, told = svc.post({"token": token["access_token"], **proof}, "introspection")
    assert (status, told["active"], told["client_id"]) == (200, True, "svc")
    assert not {"sub", "patient", "fhirUser"} & set(told)


def test_a_members_grant_without_a_patient_reaches_nobody(app: App) -> None:
    """Only a service's access is bound to no patient: None would open every record."""
    asked = authorize.check(args(scope="user/*.rs"), app.desk)
    decision = Decision("maria", "", asked.scope, asked.redirect_uri)
    code = parse_qs(urlsplit(issue(app.desk, asked, decision).url).query)["code"][0]
    _, token = app.exchange(code)
    assert access(app.desk, f"Bearer {token['access_token']}").patient == ""
    assert "patient" not in token
