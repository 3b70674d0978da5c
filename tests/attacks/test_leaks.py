"""Secrets where they do not belong: in the ledger's file, in the journal, in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from attacks.breach import Scene, held, undefended
from flask import request
from support import stores
from support.running import served
from support.smart_app import SmartApp, hidden

from sandbox.auth.authlib_adapter import AuthorizationServer
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.secret import digest

_token = AuthorizationServer.token
_add_code, _replace_token, _note = TenantLedger.add_code, TenantLedger.replace_token, TenantLedger.note


def everything_secret(scene: Scene) -> tuple[SmartApp, set[str]]:
    """Do all that has to do with secrets, well and badly. Returns an app and every secret there was."""
    app = scene.make()
    metadata = {"client_name": "Leaky", "redirect_uris": [app.redirect_uri]}
    metadata |= {"grant_types": ["authorization_code", "refresh_token"]}
    told = app.http.post(f"{app.base}/auth/register", json=metadata).json()
    web = scene.make(client_id=told["client_id"], secret=told["client_secret"])
    used = {told["client_secret"], told["registration_access_token"]}
    used |= {"maria-pass", "a-wrong-password", "a-wrong-secret"}
    app.log_in("maria", "a-wrong-password")
    for each in (app, web):
        code = each.agree("maria")["code"]
        each.tokens = each.redeem(code).json()
        used |= {code, each.verifier or "", *secrets_of(each.tokens)}
        each.get("Patient")
        each.get(f"Patient?access_token={each.tokens['access_token']}")
        each.refresh()
        used |= {*secrets_of(each.tokens), *each.browser.cookies.values()}
        each.post("introspect", {"token": each.tokens["access_token"]})
        each.redeem(code)  # a replay
        each.post("revoke", {"token": each.tokens["refresh_token"]})
    web.secret = "a-wrong-secret"
    web.post("introspect", {"token": "x"})
    bearer = {"Authorization": f"Bearer {told['registration_access_token']}"}
    app.http.get(told["registration_client_uri"], headers=bearer)
    app.browser.post(f"{app.base}/portal/logout", data=hidden(app.browser.get(f"{app.base}/portal")))
    return app, used - {""}


def secrets_of(tokens: dict[str, Any]) -> set[str]:
    return {tokens[name] for name in ("access_token", "refresh_token", "id_token")}


def _keeps(field: str) -> Callable[..., None]:
    def add_code(self: Any, secret: str, code: Any) -> None:
        _add_code(self, secret, code)
        self.note({field: secret})

    return add_code


def _counts_by_name(self: Any, hash: str, at: int, tokens: Any = ()) -> bool:
    """A counter is named after what was sent."""
    self.count("refreshed|" + request.form.get("refresh_token", ""))
    return _replace_token(self, hash, at, tokens)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("counter", marks=undefended(TenantLedger, replace_token=_counts_by_name)),
        pytest.param("journal", marks=undefended(TenantLedger, add_code=_keeps("code"))),
    ],
)
def test_reading_the_file_of_the_ledger(scene: Scene, place: str) -> None:
    _, secret = everything_secret(scene)
    kept = stores.kept(scene.ledger)
    assert b"Leaky" in kept
    held(not [word for word in secret if word.encode() in kept], f"a secret in the file, as in a {place}")


def _notes_the_address(self: Any, entry: Any) -> None:
    _note(self, {**entry, "path": request.full_path})


def _notes_the_form(self: Any, entry: Any) -> None:
    _note(self, {**entry, "form": request.form.to_dict()})


def _notes_the_headers(self: Any, entry: Any) -> None:
    _note(self, {**entry, "headers": dict(request.headers)})


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("address", marks=undefended(TenantLedger, note=_notes_the_address)),
        pytest.param("form", marks=undefended(TenantLedger, note=_notes_the_form)),
        pytest.param("headers", marks=undefended(TenantLedger, note=_notes_the_headers)),
    ],
)
def test_reading_the_journal(scene: Scene, part: str) -> None:
    app, secret = everything_secret(scene)
    journal = app.control("journal?limit=1000").text
    assert "introspect" in journal
    held(not [word for word in secret if word in journal], f"a secret in the journal, by the {part}")


@contextmanager
def logged() -> Iterator[list[str]]:
    """Every record that anything here logs, at the lowest level."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith(("httpx", "httpcore", "asyncio")):  # the attacker's own
                lines.append(self.format(record))

    root, handler = logging.getLogger(), Keep()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def _talkative(self: Any, asked: Any) -> Any:
    logging.getLogger("sandbox.auth").debug("token request %s", asked.form)
    return _token(self, asked)


@undefended(AuthorizationServer, token=_talkative)
def test_reading_the_log(scene: Scene) -> None:
    with logged() as lines:
        logging.getLogger("sandbox").debug("the log works")
        _, secret = everything_secret(scene)
    assert any("the log works" in line for line in lines)
    secret |= set(map(digest, secret))  # with a log of digests, guessing can go on at home
    told = [line for line in lines if any(word in line for word in secret)]
    held(not told, f"secrets in the log: {told[:3]}")


TALKATIVE = """
from sandbox.auth.authlib_adapter import AuthorizationServer
honest = AuthorizationServer.token
def token(self, asked):
    print(asked.form, flush=True)
    return honest(self, asked)
AuthorizationServer.token = token
"""
"""What Python runs at its start (sitecustomize) where serve is weakened."""


@pytest.mark.slow
def test_reading_what_serve_prints(env: dict[str, str], scene: Scene, tmp_path: Path, defense: str) -> None:
    """The real server and its workers; `scene` lends its ledger only."""
    if defense == "undefended":
        (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    printed: list[str] = []
    with served("--workers", "2", env=env | {"PYTHONPATH": str(tmp_path)}, printed=printed) as origin:
        apps: list[SmartApp] = []

        def make(scenario: str = "baseline", **options: Any) -> SmartApp:
            apps.append(SmartApp(f"{origin}/s/{scenario}", **options))
            return apps[-1]

        _, secret = everything_secret(replace(scene, make=make))
        for app in apps:
            app.close()
    assert any(word in printed[0] for word in secret) == (defense == "undefended")
