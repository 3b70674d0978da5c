"""Parameters that are sent without a value count as omitted (RFC 6749 §3.1, §3.2), at every endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

NAMES = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "resource", "code_challenge",
    "code_challenge_method", "nonce", "prompt", "max_age", "response_mode", "launch", "request",
    "request_uri", "ui_locales", "display", "claims", "claims_locales", "login_hint", "id_token_hint",
    "acr_values",
    "grant_type", "code", "code_verifier", "refresh_token", "client_secret", "client_assertion",
    "client_assertion_type", "token", "token_type_hint", "iss", "error", "udap", "username", "password",
)  # fmt: skip
"""Every parameter of an OAuth request, and some that only answers have."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Pairs = list[tuple[str, str]]
Send = Callable[[Pairs], httpx.Response]


def authorize_by_get(app: SmartApp) -> tuple[dict[str, str], Send]:
    return app.request(), lambda pairs: app.browser.get(f"{app.base}/auth/authorize?{urlencode(pairs)}")


def authorize_by_post(app: SmartApp) -> tuple[dict[str, str], Send]:
    return app.request(), lambda pairs: _post(app, "authorize", pairs)


def authorize_silently(app: SmartApp) -> tuple[dict[str, str], Send]:
    app.agree("maria")
    return app.request(prompt="none"), lambda pairs: _post(app, "authorize", pairs)


def push(app: SmartApp) -> tuple[dict[str, str], Send]:
    return app.request(), lambda pairs: _post(app, "par", pairs)


def exchange(app: SmartApp) -> tuple[dict[str, str], Send]:
    app.agree("maria")
    form = {"grant_type": "authorization_code", "client_id": app.client_id, "redirect_uri": app.redirect_uri}
    form |= {"code": "NEW", "code_verifier": app.verifier or ""}
    return form, lambda pairs: _post(app, "token", _replaced(pairs, "NEW", _code, app))


def refresh(app: SmartApp) -> tuple[dict[str, str], Send]:
    app.agree("maria")
    form = {"grant_type": "refresh_token", "client_id": app.client_id, "refresh_token": "NEW"}
    return form, lambda pairs: _post(app, "token", _replaced(pairs, "NEW", _refresh_token, app))


def revoke(app: SmartApp) -> tuple[dict[str, str], Send]:
    app.agree("maria")
    form = {"token": "NEW", "client_id": app.client_id, "token_type_hint": "refresh_token"}
    return form, lambda pairs: _post(app, "revoke", _replaced(pairs, "NEW", _refresh_token, app))


def introspect(app: SmartApp) -> tuple[dict[str, str], Send]:
    app.connect("maria")
    form = {
        "token": app.tokens["access_token"],
        "client_id": app.client_id,
        "token_type_hint": "access_token",
    }
    return form, lambda pairs: _post(app, "introspect", pairs)


def register(app: SmartApp) -> tuple[dict[str, str], Send]:
    body = {"redirect_uris": [app.redirect_uri], "token_endpoint_auth_method": "none"}
    url = f"{app.base}/auth/register"
    return {}, lambda pairs: app.http.post(f"{url}?{urlencode(pairs)}", json=body)


ENDPOINTS = (
    authorize_by_get, authorize_by_post, authorize_silently, push, exchange, refresh, revoke, introspect,
    register,
)  # fmt: skip


def _post(app: SmartApp, path: str, pairs: Pairs) -> httpx.Response:
    return app.browser.post(f"{app.base}/auth/{path}", content=urlencode(pairs), headers=FORM)


def _replaced(pairs: Pairs, mark: str, make: Callable[[SmartApp], str], app: SmartApp) -> Pairs:
    return [(name, make(app) if value == mark else value) for name, value in pairs]


def _code(app: SmartApp) -> str:
    return app.callback(app.authorize(prompt="none"))["code"]


def _refresh_token(app: SmartApp) -> str:
    return str(app.redeem(_code(app)).json()["refresh_token"])


_RANDOM = (
    "access_token", "refresh_token", "id_token", "request_uri", "client_id", "client_id_issued_at",
    "client_name", "registration_access_token", "registration_client_uri", "iat", "exp",
)  # fmt: skip


def meaning(answer: httpx.Response) -> tuple[Any, ...]:
    """An answer but for what is random in it."""
    location = re.sub(r"(code|request)=[\w-]{20,}", r"\1=…", answer.headers.get("location", ""))
    body: Any = re.findall(r"<main.*</main>", answer.text, re.DOTALL)
    if answer.content and "json" in answer.headers.get("content-type", ""):
        body = {name: "…" if name in _RANDOM else value for name, value in answer.json().items()}
    return answer.status_code, location, body


def _cases(good: dict[str, str]) -> Iterator[tuple[str, Pairs, Pairs]]:
    """Every parameter: sent empty, and the same request as it is meant."""
    for name in NAMES:
        without = [(key, value) for key, value in good.items() if key != name]
        yield f"{name}=", [*without, (name, "")], without
        yield f"{name}=&{name}=", [(name, ""), *without, (name, "")], without
        if name in good:
            both = [*without, (name, ""), (name, good[name])]
            yield f"{name}=&{name}=x", both, list(good.items())


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_empty_parameter_is_no_parameter(app: SmartApp, endpoint: Any) -> None:
    good, send = endpoint(app)
    answers = ((case, meaning(send(sent)), meaning(send(meant))) for case, sent, meant in _cases(good))
    assert [(case, seen, right) for case, seen, right in answers if seen != right] == []
    assert send(list(good.items())).status_code < 400


@pytest.mark.parametrize(
    "name", ["scope", "state", "max_age", "launch", "response_mode", "code_challenge_method"]
)
def test_a_repeated_parameter_is_refused_still(app: SmartApp, name: str) -> None:
    pairs = [*app.request(**{name: None}).items(), (name, "x"), (name, ""), (name, "x")]
    told = app.callback(_post(app, "authorize", pairs))
    assert (told["error"], told["error_description"]) == (
        "invalid_request",
        f"{name} is there more than once. Send it once.",
    )


@pytest.mark.parametrize("path", ["authorize", "par"])
def test_a_resource_may_be_repeated_and_each_is_looked_at(app: SmartApp, path: str) -> None:
    """RFC 8707 §2."""
    own, foreign = f"{app.base}/fhir", "https://other.example/fhir"
    pairs = list(app.request(aud=None).items())
    twice = _post(app, path, [*pairs, ("resource", own), ("resource", own)])
    assert twice.status_code == 201 or "/auth/login?" in twice.headers["location"]
    both = _post(app, path, [*pairs, ("resource", own), ("resource", foreign)])
    answer = both.json() if path == "par" else app.callback(both)
    assert answer["error"] == "invalid_request"
    assert answer["error_description"].startswith("aud must be the FHIR base")


def test_an_empty_client_id_does_not_hide_the_clients_scenario(make_app: MakeApp) -> None:
    """A client's pin is found by its name, however the name is sent."""
    app = make_app()
    body = {"redirect_uris": [app.redirect_uri], "token_endpoint_auth_method": "none"}
    # A scenario in the path stands, whatever a client is pinned to: ask the default payer.
    base = app.base.partition("/s/")[0]
    client = app.http.post(f"{base}/auth/register", json=body | {"scenario": "callback-in-fragment"}).json()
    pairs = [
        ("client_id", ""),
        *app.request(client_id=client["client_id"], aud="x").items(),
    ]
    answer = app.browser.post(f"{base}/auth/authorize", content=urlencode(pairs), headers=FORM)
    assert f"{app.redirect_uri}#error=" in answer.headers["location"]
