"""A dry run: one sign-in, each step of it told, no secret among them."""

from __future__ import annotations

from typing import Any

import pytest
import transcripts
from conftest import no_resolver
from fake_payer import BASE, FakePayer

from sandbox.core.errors import UsageError
from sandbox.score.dry_run import dry_run
from sandbox.score.run import SignInOptions


def tried(payer: FakePayer, target: str = BASE, **options: Any) -> tuple[bool, list[str]]:
    told: list[str] = []
    signed_in = dry_run(target, say=told.append, transport=payer.transport, resolve=no_resolver, **options)
    transcripts.note(*told)
    return signed_in, told


def test_it_signs_in_once_and_tells_the_pages_the_choices_and_the_token() -> None:
    payer = FakePayer()
    signed_in, told = tried(payer, intrusive=True)
    assert payer.paths().count("/auth/authorize") == 1
    assert not [path for path in payer.paths() if "/fhir/Explanation" in path]
    text = "\n".join(told)
    assert signed_in
    assert told[0].startswith("Sign-in of m0 (eligible, ")
    for step in ("/auth/login  200", "pressed “Log in”", "pressed “Allow”", "a code, with our state",
                 "lasts 3600 s, with a refresh token", "p-m0"):  # fmt: skip
        assert step in text
    assert not [secret for secret in ("code1", "at2", "rt3") if secret in text.split()]
    assert told[-1] == "The member is signed in."


def test_a_sign_in_that_fails_says_why() -> None:
    signed_in, told = tried(FakePayer(refuse_sign_in=lambda name, attempt: "server_error"), intrusive=True)
    assert not signed_in
    assert told[-1] == "Not signed in: the callback returned server_error (an accident)"


def test_without_an_account_there_is_nothing_to_try() -> None:
    with pytest.raises(UsageError, match="no test accounts"):
        tried(FakePayer(instruments={"members": []}), intrusive=True)


def test_scope_and_authentication_go_before_what_is_listed() -> None:
    payer = FakePayer()
    entry = SignInOptions(
        client_id="mine", client_secret="a-secret-of-mine", auth_method="client_secret_post", scope="openid"
    )
    _, told = tried(payer, intrusive=True, entry=entry)
    assert "  scope      openid" in told
    assert any(line.endswith("/auth/token, client_secret_post") for line in told)
    (asked,) = [r for r in payer.requests if r.url.path == "/auth/token"]
    assert b"client_secret=a-secret-of-mine" in asked.content
    assert "authorization" not in asked.headers
    assert not [line for line in told if "a-secret-of-mine" in line]


def test_an_unknown_method_is_one_line() -> None:
    with pytest.raises(UsageError, match="the authentication method must be one of client_secret_basic"):
        tried(FakePayer(), entry=SignInOptions(auth_method="magic"))


@pytest.mark.parametrize("intrusive", [True, False])
def test_accounts_that_a_payer_abroad_lends_are_used_only_when_told_to(intrusive: bool) -> None:
    endpoints = {
        "authorization_endpoint": "https://payer.example/auth/authorize",
        "token_endpoint": "https://payer.example/auth/token",
    }
    payer = FakePayer(smart=False, oauth_uris=False, instruments=endpoints)
    if intrusive:
        tried(payer, "https://payer.example/fhir", intrusive=True)
        assert "/auth/authorize" in payer.paths()
    else:
        with pytest.raises(UsageError, match="--intrusive"):
            tried(payer, "https://payer.example/fhir")
        assert "/auth/authorize" not in payer.paths()
