"""Where the browser is sent: lookalike redirect URIs, open redirects, mix-up, fixed states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from attacks.breach import Scene, held, refused, undefended
from support.smart_app import SmartApp, hidden

from sandbox.apis.smart import decision as smart_decision
from sandbox.apis.smart import pending_request
from sandbox.auth.authorization import authorize, decision
from sandbox.auth.clients.client import Client
from sandbox.store.ledger.database import Ledger


def _by(same: Callable[[str, str], bool]) -> pytest.MarkDecorator:
    """A server that compares redirect URIs in some other way than as text."""
    return undefended(
        Client, allows_redirect=lambda self, uri: any(same(uri, known) for known in self.redirect_uris)
    )


def _origin(uri: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(uri))


_PREFIX = _by(lambda uri, known: uri.startswith(known))
_ORIGIN_PREFIX = _by(lambda uri, known: uri.startswith(_origin(known)))
_ORIGIN = _by(lambda uri, known: _origin(uri) == _origin(known))
_NO_PORT = _by(lambda uri, known: urlsplit(uri)[2:] == urlsplit(known)[2:] and _host(uri) == _host(known))
_ENCODED = _by(lambda uri, known: unquote(uri) == known)
_FOLDED = _by(lambda uri, known: uri.lower() == known.lower())
_DEFRAGMENTED = _by(lambda uri, known: urldefrag(uri)[0] == known)
_NO_QUERY = _by(lambda uri, known: uri.partition("?")[0] == known)


def _host(uri: str) -> str | None:
    return urlsplit(uri).hostname


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("https://app.example/callback.evil", id="suffix of the path", marks=_PREFIX),
        pytest.param("https://app.example/callback/../evil", id="deeper path", marks=_PREFIX),
        pytest.param(
            "https://app.example.evil.example/callback", id="suffix of the host", marks=_ORIGIN_PREFIX
        ),
        pytest.param(
            "https://app.example/open-redirect?to=https://evil.example", id="another path", marks=_ORIGIN
        ),
        pytest.param("https://app.example:8443/callback", id="another port", marks=_NO_PORT),
        pytest.param("https://app.example@evil.example/callback", id="userinfo", marks=_ORIGIN_PREFIX),
        pytest.param(
            "http://127.0.0.1:3000@evil.example/callback", id="userinfo of a loopback", marks=_ORIGIN_PREFIX
        ),
        pytest.param("https://app.example\\@evil.example/callback", id="backslash", marks=_ORIGIN_PREFIX),
        pytest.param("https://app.example/%63allback", id="encoded letter", marks=_ENCODED),
        pytest.param("https://app.example%2Fcallback", id="encoded slash", marks=_ENCODED),
        pytest.param("https://app.example/CALLBACK", id="capitals", marks=_FOLDED),
        pytest.param("https://app.example/callback#@evil.example", id="fragment", marks=_DEFRAGMENTED),
        pytest.param(
            "https://app.example/callback?to=https://evil.example", id="more parameters", marks=_NO_QUERY
        ),
    ],
)
def test_asking_for_a_lookalike(scene: Scene, uri: str) -> None:
    """At an app that registered https://app.example/callback."""
    answer = scene.web().authorize(redirect_uri=uri)
    held(answer.status_code == 400 and "location" not in answer.headers, f"a sign-in that ends at {uri}")
    held("text/html" in answer.headers["content-type"], "no page")


@pytest.mark.parametrize(
    ("scope", "prompt"),
    [
        pytest.param("system/*.rs", None, id="with an error"),
        pytest.param("openid", None, id="without"),
        pytest.param("openid", "none", id="silently"),
    ],
)
@undefended(Client, allows_redirect=lambda self, uri: True)
def test_being_sent_to_a_stranger(scene: Scene, scope: str, prompt: str | None) -> None:
    """A link to the payer that leads elsewhere: neither for good requests nor for bad ones."""
    app = scene.web()
    answer = app.authorize(redirect_uri="https://evil.example/", scope=scope, prompt=prompt)
    held("location" not in answer.headers, "a redirect that the payer never agreed to")
    held(answer.status_code == 400, "an answer")


# mix-up


def _without_iss(desk: Any, state: str | None) -> dict[str, str]:
    return {} if state is None else {"state": state}


_MIX_UP = undefended(decision, smart_decision, reply_params=_without_iss)


def _believed(app: SmartApp, told: dict[str, str], expected: str) -> bool:
    """Whether an app that follows RFC 9207 would go on: it expects this issuer, and metadata say that
    every answer names one."""
    metadata = app.http.get(f"{app.base}/fhir/.well-known/smart-configuration").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    return told.get("iss", expected) == expected


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param("allow", id="a code"),
        pytest.param("deny", id="an error"),
    ],
)
@_MIX_UP
def test_mixing_up_two_payers(scene: Scene, decision: str) -> None:
    """An app believes it is at the attacker's server while the browser was sent to the honest one: it
    would carry the code to the attacker. `iss` tells it before."""
    app = scene.make()
    told = app.agree("maria", decision)
    held(not _believed(app, told, "https://evil.example/auth"), "the code, from an app that was mixed up")
    assert _believed(app, told, f"{app.base}/auth")


# state


@undefended(pending_request, hmac=SimpleNamespace(compare_digest=lambda a, b: True))
def test_finishing_the_attackers_sign_in(scene: Scene) -> None:
    """The attacker starts, and has the victim finish, what carries the attacker's state."""
    attacker, victim = scene.make(), scene.make()
    started = attacker.follow(attacker.authorize())
    victim.follow(victim.authorize())  # has a session, and a form's token of its own
    page = victim.browser.get(str(started.url))
    if page.status_code == 400:
        return
    form = hidden(page) | {"username": "maria", "password": "maria-pass"}
    answer = victim.browser.post(f"{victim.base}/auth/login", data=form)
    held(answer.status_code == 400, "a member who signed in to the attacker's request")


@undefended(authorize, _SINGLE=())
def test_sending_two_states(scene: Scene) -> None:
    """Of two states the payer could echo the one that the attacker added."""
    app = scene.make()
    query = str(app.browser.build_request("GET", "http://x", params=app.request()).url.query, "ascii")
    answer = app.browser.get(f"{app.base}/auth/authorize?state=attackers&{query}")
    held(app.returned(answer), "a sign-in with two states")
    held(app.callback(answer)["error"] == "invalid_request", "a code with one of two states")


_trusted = authorize._trusted


def _forgiving(*args: Any) -> Any:
    client, uri = _trusted(*args)
    return replace(client, pkce_optional=True), uri


@undefended(authorize, _trusted=_forgiving)
def test_asking_without_a_state(scene: Scene) -> None:
    app = scene.make()
    answer = app.authorize(state=None)
    held(app.returned(answer), "a sign-in that no state protects")
    held(app.callback(answer)["error"] == "invalid_request", "a code without a state")


@undefended(Ledger, tenant=lambda self, name, pin="": _one_for_all(self))
def test_carrying_a_code_to_another_payer(scene: Scene) -> None:
    """Two payers on one server: a code of one is nothing at the other."""
    app, other = scene.make(), scene.make("rate-limited")
    code = app.agree("maria")["code"]
    other.verifier = app.verifier
    held(refused(other.redeem(code)), "tokens of one payer for a code of another")


def _one_for_all(ledger: Any) -> Any:
    from sandbox.store.ledger.database import TenantLedger

    return TenantLedger(ledger._engine, ledger._driver, ledger.upkeep, ledger.quotas, "")
