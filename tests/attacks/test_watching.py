"""How secrets are compared: always by hmac.compare_digest, whose time tells nothing."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from attacks.breach import Scene, held, undefended
from attacks.services import register as register_service
from flask import request
from support.smart_app import hidden
from unit.auth.keyring import key, public

from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registry import Registry
from sandbox.auth.password import SignInAttempt
from sandbox.auth.tokens import access_token
from sandbox.core.errors import Forbidden
from sandbox.store.ledger.repositories import grants
from sandbox.store.secret import digest
from sandbox.web import session
from sandbox.web.request import current


@contextmanager
def watched(module: str) -> Iterator[list[tuple[Any, Any]]]:
    """What this module of the server compares in constant time."""
    seen: list[tuple[Any, Any]] = []

    def compare_digest(a: Any, b: Any) -> bool:
        seen.append((a, b))
        return hmac.compare_digest(a, b)

    with patch(f"{module}.hmac", SimpleNamespace(compare_digest=compare_digest)):
        yield seen


def text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def compared(seen: list[tuple[Any, Any]], given: str) -> bool:
    """Whether exactly this was compared, itself or as its digest."""
    return any(text(side) in (given, digest(given)) for pair in seen for side in pair)


def _by_equality(self: Any, secret: str, now: int | None = None) -> bool:
    return bool(self.secret_sha256 == digest(secret))


@undefended(Client, check_client_secret=_by_equality)
def test_timing_a_client_secret(scene: Scene) -> None:
    web = scene.web()
    for secret in ("sandbox-web-secret", "sandbox-web-secres", "x"):
        web.secret = secret
        with watched("sandbox.auth.clients.client") as seen:
            web.post("introspect", {"token": "x"})
        held(compared(seen, secret), "how much of a guessed client secret is right")
        held(secret not in map(text, sum(seen, ())), "how long the secret is")


def _hasty() -> SignInAttempt:
    account = current().services.accounts.get(request.form["username"])
    right = account is not None and account.password == request.form["password"]
    return SignInAttempt(account if right else None)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("maria", id="known"),
        pytest.param("nobody", id="unknown"),
    ],
)
@undefended(session, attempt=_hasty)
def test_timing_a_password(scene: Scene, name: str) -> None:
    """For names that do not exist as well: the time must not say which names do."""
    app = scene.make()
    form = hidden(app.follow(app.authorize())) | {"username": name, "password": "guess"}
    with watched("sandbox.auth.password") as seen:
        assert app.browser.post(f"{app.base}/auth/login", data=form).status_code == 400
    held(compared(seen, "guess"), "how much of a guessed password is right, or that the name is none")


def _token_by_equality(*more: str) -> None:
    if request.form.get("csrf") not in (*more, session.browser().session.csrf):
        raise Forbidden("no")


@undefended(session, require_token=_token_by_equality)
def test_timing_the_token_of_a_form(scene: Scene) -> None:
    app = scene.make()
    form = hidden(app.follow(app.authorize())) | {"username": "maria", "password": "guess", "csrf": "c" * 22}
    with watched("sandbox.web.session") as seen:
        assert app.browser.post(f"{app.base}/auth/login", data=form).status_code == 403
    held(compared(seen, "c" * 22), "how much of a guessed token is right")


def _managed_by_equality(self: Any, id: str, token: str) -> Any:
    record = self._ledger.client(id)
    return self[id] if record is not None and record.manage == digest(token) else None


@undefended(Registry, managed=_managed_by_equality)
def test_timing_a_registration_token(scene: Scene) -> None:
    app = scene.make()
    uri = register_service(app, jwks=public(key("rsa", "RSA"))).json()["registration_client_uri"]
    with watched("sandbox.auth.clients.registry") as seen:
        assert app.http.get(uri, headers={"Authorization": "Bearer guess"}).status_code == 401
    held(compared(seen, "guess"), "how much of a guessed registration token is right")


@undefended(grants, access_token, digest=lambda secret: secret)
def test_timing_the_lookup_of_a_token(scene: Scene) -> None:
    """Tokens and codes are looked up by their digest: a guess that is nearly right has another one, so
    that the time of the lookup says nothing. Here: nothing that was sent reaches the database."""
    app = scene.make().connect("maria")
    asked: list[Any] = []
    from sandbox.store.ledger.database import TenantLedger

    honest = TenantLedger._one

    def spy(self: Any, table: Any, shape: Any, **same: Any) -> Any:
        asked.extend(same.values())
        return honest(self, table, shape, **same)

    with patch.object(TenantLedger, "_one", spy):
        assert app.get("Patient").status_code == 200
        app.redeem("a-code-that-is-guessed")
        app.refresh(refresh_token="a-token-that-is-guessed")
    sent = {app.tokens["access_token"], "a-code-that-is-guessed", "a-token-that-is-guessed"}
    assert asked
    held(sent.isdisjoint(map(str, asked)), "a database that compares secrets letter by letter")
