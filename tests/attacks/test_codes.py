"""The authorization code: replayed, injected, stripped of PKCE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from attacks.breach import Scene, held, refused, undefended
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox.auth import grants
from sandbox.auth.authlib_adapter import _Challenge, _Code
from sandbox.auth.authorization import authorize
from sandbox.store.ledger.database import TenantLedger

_find = grants.find_code
_validate = CodeChallenge.validate_code_verifier


def _spent_or_not(desk: Any, secret: str, client: Any, redirect_uri: str) -> grants.PresentedCode:
    code = desk.ledger.code(secret)
    return grants.PresentedCode(secret, code, desk.ledger.grant(code.grant))


@undefended(grants, TenantLedger, find_code=_spent_or_not, spend_code=lambda *_: True)
def test_replaying_a_code(scene: Scene) -> None:
    app = scene.make()
    code = app.agree("maria")["code"]
    assert app.redeem(code).status_code == 200
    held(refused(app.redeem(code)), "tokens for a code that was used")


@undefended(TenantLedger, revoke_grant=lambda *_: None)
def test_using_the_tokens_of_a_replayed_code(scene: Scene) -> None:
    app = scene.make()
    code = app.agree("maria")["code"]
    app.tokens = app.redeem(code).json()
    assert app.get("Patient").status_code == 200
    assert refused(app.redeem(code))
    held(app.get("Patient").status_code == 401, "data with the first access token")
    held(refused(app.refresh()), "new tokens for the first refresh token")


def _of_any_client(desk: Any, secret: str, client: Any, redirect_uri: str) -> grants.PresentedCode:
    code = desk.ledger.code(secret)
    client = replace(client, client_id=code.client) if code else client
    return _find(desk, secret, client, redirect_uri)


@undefended(grants, find_code=_of_any_client)
def test_redeeming_a_code_as_another_client(scene: Scene) -> None:
    """The attacker has seen everything but is another app: legacy-app, public as well."""
    victim, thief = scene.make(redirect_uri="http://127.0.0.1:8000/callback"), scene.make()
    code = victim.agree("maria")["code"]
    thief.client_id, thief.redirect_uri = "legacy-app", victim.redirect_uri
    held(refused(thief.redeem(code, code_verifier=victim.verifier or "")), "another app's tokens")
    assert victim.redeem(code).status_code == 200  # and the victim is none the worse for it


@pytest.mark.parametrize(
    "verifier",
    [
        pytest.param("v" * 43, id="the attacker's own"),
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
    ],
)
@undefended(_Challenge, validate_code_verifier=lambda *_: None)
def test_redeeming_a_code_with_another_verifier(scene: Scene, verifier: str | None) -> None:
    """A stolen code, injected into the attacker's own session at the same app."""
    victim, thief = scene.make(), scene.make()
    code = victim.agree("maria")["code"]
    thief.verifier = verifier
    held(refused(thief.redeem(code)), "the victim's tokens in the attacker's session")


def _from_any_address(desk: Any, secret: str, client: Any, redirect_uri: str) -> grants.PresentedCode:
    return _find(desk, secret, client, desk.ledger.code(secret).redirect_uri)


@undefended(grants, _Code, find_code=_from_any_address, get_redirect_uri=lambda self: None)
def test_redeeming_a_code_with_another_redirect_uri(scene: Scene) -> None:
    app = scene.make()
    code = app.agree("maria")["code"]
    answer = app.redeem(code, redirect_uri="http://127.0.0.1:9876/elsewhere")
    held(refused(answer), "tokens for a code that went to another address")


# PKCE


@undefended(authorize, _pkce_problem=lambda one, client: None)
def test_asking_without_a_challenge(scene: Scene) -> None:
    """Somebody between app and payer strips the challenge, and can then use the code themselves."""
    app = scene.make(verifier=None)
    answer = app.authorize()
    if app.returned(answer):
        told = app.callback(answer)
        held(told["error"] == "invalid_request" and "code" not in told, "a code without a challenge")
    else:
        held(refused(app.redeem(app.agree("maria")["code"])), "tokens without PKCE")


def _only_if_there_was_one(self: Any, grant: Any, result: Any) -> None:
    if self.get_authorization_code_challenge(grant.request.authorization_code):
        _validate(self, grant, result)


@undefended(_Challenge, validate_code_verifier=_only_if_there_was_one)
def test_stripping_the_challenge_of_an_app_that_uses_pkce(scene: Scene) -> None:
    """At a client that may leave PKCE out: the verifier that comes anyway tells of the downgrade."""
    app = scene.make(client_id="legacy-app", redirect_uri="http://localhost:8000/callback")
    code = app.agree("maria", code_challenge=None, code_challenge_method=None)["code"]
    held(refused(app.redeem(code)), "tokens although the challenge was stripped")


_PLAIN = undefended(
    authorize,
    _Challenge,
    _pkce_problem=lambda one, client: None,
    get_authorization_code_challenge_method=lambda *_: "plain",
)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("plain", id="plain"),
        pytest.param(None, id="no method"),
        pytest.param("s256", id="another case"),
    ],
)
@_PLAIN
def test_asking_for_the_plain_method(scene: Scene, method: str | None) -> None:
    """With `plain`, whoever sees the authorization request holds the verifier."""
    app = scene.make()
    seen = app.verifier
    asked = {"code_challenge": seen, "code_challenge_method": method}
    answer = app.authorize(**asked)
    if app.returned(answer):
        held(app.callback(answer)["error"] == "invalid_request", "a code by the plain method")
    else:
        held(refused(app.redeem(app.agree("maria", **asked)["code"])), "tokens by the plain method")
