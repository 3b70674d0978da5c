"""Parameters that are sent without a value count as omitted (RFC 6749 §3.1, §3.2), at every endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

pytestmark = pytest.mark.slow

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


def code(app: SmartApp) -> str:
    return app.callback(app.authorize(prompt="none"))["code"]


def refresh_token(app: SmartApp) -> str:
    return str(app.redeem(code(app)).json()["refresh_token"])


def access_token(app: SmartApp) -> str:
    return str(app.redeem(code(app)).json()["access_token"])


LIVE: dict[str, Callable[[SmartApp], str]] = {
    "(code)": code,
    "(refresh token)": refresh_token,
    "(access token)": access_token,
    "(redirect)": lambda app: app.redirect_uri,
    "(verifier)": lambda app: app.verifier or "",
}
"""Stands in a form for what is made anew for each request, or is the app's."""

CLIENT = {"client_id": "sandbox-app"}
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "a code": ("token", CLIENT | {"grant_type": "authorization_code", "code": "(code)",
                                  "redirect_uri": "(redirect)", "code_verifier": "(verifier)"}),
    "a refresh": ("token", CLIENT | {"grant_type": "refresh_token", "refresh_token": "(refresh token)"}),
    "a revocation": ("revoke", CLIENT | {"token": "(refresh token)", "token_type_hint": "refresh_token"}),
    "an introspection": ("introspect", CLIENT | {"token": "(access token)",
                                                 "token_type_hint": "access_token"}),
}  # fmt: skip
REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "by GET": ("GET", "authorize", {}),
    "by POST": ("POST", "authorize", {}),
    "silently": ("POST", "authorize", {"prompt": "none"}),
    "pushed": ("POST", "par", {}),
}


def _post(app: SmartApp, path: str, pairs: Pairs) -> httpx.Response:
    live = [(name, LIVE[value](app) if value in LIVE else value) for name, value in pairs]
    return app.browser.post(f"{app.base}/auth/{path}", content=urlencode(live), headers=FORM)


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


def check(good: dict[str, str], send: Callable[[Pairs], httpx.Response]) -> None:
    """Every empty parameter of a good request changes nothing."""
    answers = ((case, meaning(send(sent)), meaning(send(meant))) for case, sent, meant in _cases(good))
    assert [(case, seen, right) for case, seen, right in answers if seen != right] == []
    assert send(list(good.items())).status_code < 400


@pytest.mark.parametrize(("method", "path", "more"), REQUESTS.values(), ids=REQUESTS)
def test_an_empty_parameter_of_an_authorization_request_is_none(
    app: SmartApp, method: str, path: str, more: dict[str, str]
) -> None:
    if "prompt" in more:
        app.agree("maria")
    url = f"{app.base}/auth/authorize"
    by_get = lambda pairs: app.browser.get(f"{url}?{urlencode(pairs)}")  # noqa: E731
    check(app.request(**more), by_get if method == "GET" else partial(_post, app, path))


@pytest.mark.parametrize(("path", "form"), FORMS.values(), ids=FORMS)
def test_an_empty_parameter_of_a_form_is_none(app: SmartApp, path: str, form: dict[str, str]) -> None:
    app.agree("maria")
    check(form, partial(_post, app, path))


def test_an_empty_parameter_in_the_address_of_a_registration_is_none(app: SmartApp) -> None:
    body = {"redirect_uris": [app.redirect_uri], "token_endpoint_auth_method": "none"}
    url = f"{app.base}/auth/register"
    check({}, lambda pairs: app.http.post(f"{url}?{urlencode(pairs)}", json=body))


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
