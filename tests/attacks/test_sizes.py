"""Parameters that come twice, or do not end."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from attacks.breach import Scene, admit_any_size, held, refused, undefended
from flask import Request

from sandbox.auth import authlib_adapter, scopes
from sandbox.auth.authorization import authorize, request
from sandbox.core import limits
from sandbox.core.errors import bad_request
from sandbox.server import gateway
from sandbox.web import budget

_ONCE_OR_MORE = undefended(authorize, _SINGLE=())


def _first_of_many(args: Any, one: Any, desk: Any) -> Any:
    client = desk.clients.get(one["client_id"])
    if client is None or not client.allows_redirect(one["redirect_uri"]):
        bad_request("no")
    return client, one["redirect_uri"]


_FIRST = undefended(authorize, _trusted=_first_of_many, _SINGLE=())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("scope", "patient/*.rs", id="scope", marks=_ONCE_OR_MORE),
        pytest.param("code_challenge", "c" * 43, id="challenge", marks=_ONCE_OR_MORE),
        pytest.param("code_challenge_method", "plain", id="method", marks=_ONCE_OR_MORE),
        pytest.param("response_type", "token", id="response type", marks=_ONCE_OR_MORE),
        pytest.param("nonce", "n", id="nonce", marks=_ONCE_OR_MORE),
        pytest.param("client_id", "legacy-app", id="client", marks=_FIRST),
        pytest.param("redirect_uri", "https://evil.example", id="redirect", marks=_FIRST),
    ],
)
def test_authorizing_twice_over(scene: Scene, name: str, value: str) -> None:
    """What reads the first of two and what reads the last would not agree."""
    app = scene.make()
    asked = [*({"nonce": "m"} | app.request()).items(), (name, value)]
    answer = app.browser.get(f"{app.base}/auth/authorize?{urlencode(asked)}")
    if name in ("client_id", "redirect_uri"):
        held(answer.status_code == 400 and "location" not in answer.headers, f"a sign-in with two {name}")
    else:
        held(app.returned(answer), f"a sign-in with two {name}")
        held(app.callback(answer)["error"] == "invalid_request", f"a code with two {name}")


_UNGUARDED = undefended(authlib_adapter, _check_form=lambda request: None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("code", "x", id="code"),
        pytest.param("client_id", "sandbox-web", id="client"),
        pytest.param("code_verifier", "v" * 43, id="verifier"),
        pytest.param("grant_type", "refresh_token", id="grant"),
    ],
)
@_UNGUARDED
def test_redeeming_twice_over(scene: Scene, name: str, value: str) -> None:
    app = scene.make()
    form = {"grant_type": "authorization_code", "code": app.agree("maria")["code"]}
    form |= {"redirect_uri": app.redirect_uri, "code_verifier": app.verifier or ""}
    form |= {"client_id": app.client_id}
    body = urlencode([*form.items(), (name, value)])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = app.http.post(f"{app.base}/auth/token", content=body, headers=headers)
    held(refused(answer), f"tokens with two {name}")
    assert answer.json()["error"] == "invalid_request"
    assert app.token(form).status_code == 200  # and the code was not burnt


_ENDLESS = undefended(authorize, LONGEST=10**9)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nonce", id="nonce", marks=_ENDLESS),
        pytest.param("scope", id="scope", marks=undefended(authorize, scopes, LONGEST=10**9, TEXT_MAX=10**9)),
        pytest.param("state", id="state", marks=_ENDLESS),
    ],
)
def test_authorizing_at_length(scene: Scene, name: str) -> None:
    app = scene.make()
    long = ("openid " * 9000)[: authorize.LONGEST + 1] if authorize.LONGEST < 10**9 else "openid " * 1500
    form = app.request(**{name: long.strip() + "x"})
    answer = app.browser.post(f"{app.base}/auth/authorize", data=form)
    told = app.callback(answer) if app.returned(answer) else {}
    refusals = ("invalid_request", "invalid_scope")
    held(answer.status_code == 400 or told.get("error") in refusals, f"an endless {name}")


@undefended(request, limits, MOST=10**9, PARAMETERS_MAX=10**9)
def test_authorizing_with_many(scene: Scene) -> None:
    app = scene.make()
    query = urlencode([*app.request().items(), *((f"p{number}", "") for number in range(200))])
    answer = app.browser.get(f"{app.base}/auth/authorize?{query}")
    held(answer.status_code == 400, "a request with hundreds of parameters")


_BOTTOMLESS = undefended(
    budget, gateway, Request, admit=admit_any_size, BODY_MAX=10**9, max_form_memory_size=None
)


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("token", id="token"),
        pytest.param("revoke", id="revoke"),
        pytest.param("par", id="par"),
    ],
)
@_BOTTOMLESS
def test_posting_without_end(scene: Scene, endpoint: str) -> None:
    app = scene.make()
    answer = app.post(endpoint, {"token": "x" * (2 << 20)})
    held(answer.status_code == 413, "memory for a body of two megabytes")
    assert answer.json()["error"] == "invalid_request"
