"""Where the browser is sent: lookalike redirect URIs, open redirects, mix-up, fixed states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from attacks.breach import Scene, attack, held, refused
from support.smart_app import SmartApp, hidden

from sandbox.auth.authorization import authorize

ALLOWS = "sandbox.auth.clients.client.Client.allows_redirect"


def _by(same: Callable[[str, str], bool]) -> dict[str, Any]:
    """A server that compares redirect URIs in some other way than as text."""
    return {ALLOWS: lambda self, uri: any(same(uri, known) for known in self.redirect_uris)}


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


def _lookalike(case: str, weak: dict[str, Any], uri: str) -> Callable[[Any], Any]:
    return attack("redirect lookalikes", weak, case, uri=uri)


@_lookalike("suffix of the path", _PREFIX, "https://app.example/callback.evil")
@_lookalike("deeper path", _PREFIX, "https://app.example/callback/../evil")
@_lookalike("suffix of the host", _ORIGIN_PREFIX, "https://app.example.evil.example/callback")
@_lookalike("another path", _ORIGIN, "https://app.example/open-redirect?to=https://evil.example")
@_lookalike("another port", _NO_PORT, "https://app.example:8443/callback")
@_lookalike("userinfo", _ORIGIN_PREFIX, "https://app.example@evil.example/callback")
@_lookalike("userinfo of a loopback", _ORIGIN_PREFIX, "http://127.0.0.1:3000@evil.example/callback")
@_lookalike("backslash", _ORIGIN_PREFIX, "https://app.example\\@evil.example/callback")
@_lookalike("encoded letter", _ENCODED, "https://app.example/%63allback")
@_lookalike("encoded slash", _ENCODED, "https://app.example%2Fcallback")
@_lookalike("capitals", _FOLDED, "https://app.example/CALLBACK")
@_lookalike("fragment", _DEFRAGMENTED, "https://app.example/callback#@evil.example")
@_lookalike("more parameters", _NO_QUERY, "https://app.example/callback?to=https://evil.example")
def asking_for_a_lookalike(scene: Scene, uri: str) -> None:
    """At an app that registered https://app.example/callback."""
    answer = scene.web().authorize(redirect_uri=uri)
    held(answer.status_code == 400 and "location" not in answer.headers, f"a sign-in that ends at {uri}")
    held("text/html" in answer.headers["content-type"], "no page")


@attack("open redirect", {ALLOWS: lambda self, uri: True}, "with an error", scope="system/*.rs")
@attack("open redirect", {ALLOWS: lambda self, uri: True}, "without", scope="openid")
@attack("open redirect", {ALLOWS: lambda self, uri: True}, "silently", scope="openid", prompt="none")
def being_sent_to_a_stranger(scene: Scene, **asked: str) -> None:
    """A link to the payer that leads elsewhere: neither for good requests nor for bad ones."""
    app = scene.web()
    answer = app.authorize(redirect_uri="https://evil.example/", **asked)
    held("location" not in answer.headers, "a redirect that the payer never agreed to")
    held(answer.status_code == 400, "an answer")


# mix-up


def _without_iss(desk: Any, state: str | None) -> dict[str, str]:
    return {} if state is None else {"state": state}


_MIX_UP = {
    "sandbox.auth.authorization.decision.reply_params": _without_iss,
    "sandbox.apis.smart.decision.reply_params": _without_iss,
}


def _believed(app: SmartApp, told: dict[str, str], expected: str) -> bool:
    """Whether an app that follows RFC 9207 would go on: it expects this issuer, and metadata say that
    every answer names one."""
    metadata = app.http.get(f"{app.base}/fhir/.well-known/smart-configuration").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    return told.get("iss", expected) == expected


@attack("mix-up", _MIX_UP, "a code", decision="allow")
@attack("mix-up", _MIX_UP, "an error", decision="deny")
def mixing_up_two_payers(scene: Scene, decision: str) -> None:
    """An app believes it is at the attacker's server while the browser was sent to the honest one: it
    would carry the code to the attacker. `iss` tells it before."""
    app = scene.make()
    told = app.agree("maria", decision)
    held(not _believed(app, told, "https://evil.example/auth"), "the code, from an app that was mixed up")
    assert _believed(app, told, f"{app.base}/auth")


# state


@attack(
    "state fixation",
    {"sandbox.apis.smart.pending_request.hmac": SimpleNamespace(compare_digest=lambda a, b: True)},
)
def finishing_the_attackers_sign_in(scene: Scene) -> None:
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


@attack("state fixation", {"sandbox.auth.authorization.authorize._SINGLE": ()})
def sending_two_states(scene: Scene) -> None:
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


@attack("state fixation", {"sandbox.auth.authorization.authorize._trusted": _forgiving})
def asking_without_a_state(scene: Scene) -> None:
    app = scene.make()
    answer = app.authorize(state=None)
    held(app.returned(answer), "a sign-in that no state protects")
    held(app.callback(answer)["error"] == "invalid_request", "a code without a state")


@attack(
    "mix-up",
    {"sandbox.store.ledger.database.Ledger.tenant": lambda self, name, pin="": _one_for_all(self)},
)
def carrying_a_code_to_another_payer(scene: Scene) -> None:
    """Two payers on one server: a code of one is nothing at the other."""
    app, other = scene.make(), scene.make("rate-limited")
    code = app.agree("maria")["code"]
    other.verifier = app.verifier
    held(refused(other.redeem(code)), "tokens of one payer for a code of another")


def _one_for_all(ledger: Any) -> Any:
    from sandbox.store.ledger.database import TenantLedger

    return TenantLedger(ledger._engine, ledger._driver, ledger.upkeep, ledger.quotas, "")
