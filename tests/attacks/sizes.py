"""Parameters that come twice, or do not end."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from attacks.breach import Scene, attack, held, refused

from sandbox.auth.authorization import authorize
from sandbox.core.errors import bad_request

_ONCE_OR_MORE = {"sandbox.auth.authorization.authorize._SINGLE": ()}


def _first_of_many(args: Any, one: Any, desk: Any) -> Any:
    client = desk.clients.get(one["client_id"])
    if client is None or not client.allows_redirect(one["redirect_uri"]):
        bad_request("no")
    return client, one["redirect_uri"]


_FIRST = {"sandbox.auth.authorization.authorize._trusted": _first_of_many, **_ONCE_OR_MORE}


@attack("duplicate parameters", _ONCE_OR_MORE, "scope", name="scope", value="patient/*.rs")
@attack("duplicate parameters", _ONCE_OR_MORE, "challenge", name="code_challenge", value="c" * 43)
@attack("duplicate parameters", _ONCE_OR_MORE, "method", name="code_challenge_method", value="plain")
@attack("duplicate parameters", _ONCE_OR_MORE, "response type", name="response_type", value="token")
@attack("duplicate parameters", _ONCE_OR_MORE, "nonce", name="nonce", value="n")
@attack("duplicate parameters", _FIRST, "client", name="client_id", value="legacy-app")
@attack("duplicate parameters", _FIRST, "redirect", name="redirect_uri", value="https://evil.example")
def authorizing_twice_over(scene: Scene, name: str, value: str) -> None:
    """What reads the first of two and what reads the last would not agree."""
    app = scene.make()
    asked = [*({"nonce": "m"} | app.request()).items(), (name, value)]
    answer = app.browser.get(f"{app.base}/auth/authorize?{urlencode(asked)}")
    if name in ("client_id", "redirect_uri"):
        held(answer.status_code == 400 and "location" not in answer.headers, f"a sign-in with two {name}")
    else:
        held(app.returned(answer), f"a sign-in with two {name}")
        held(app.callback(answer)["error"] == "invalid_request", f"a code with two {name}")


_UNGUARDED = {"sandbox.auth.authlib_adapter._check_form": lambda request: None}


@attack("duplicate parameters", _UNGUARDED, "code", name="code", value="x")
@attack("duplicate parameters", _UNGUARDED, "client", name="client_id", value="sandbox-web")
@attack("duplicate parameters", _UNGUARDED, "verifier", name="code_verifier", value="v" * 43)
@attack("duplicate parameters", _UNGUARDED, "grant", name="grant_type", value="refresh_token")
def redeeming_twice_over(scene: Scene, name: str, value: str) -> None:
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


_ENDLESS = {"sandbox.auth.authorization.authorize.LONGEST": 10**9}


@attack("oversized parameters", _ENDLESS, "nonce", name="nonce")
@attack("oversized parameters", {**_ENDLESS, "sandbox.auth.scopes.TEXT_MAX": 10**9}, "scope", name="scope")
@attack("oversized parameters", _ENDLESS, "state", name="state")
def authorizing_at_length(scene: Scene, name: str) -> None:
    app = scene.make()
    long = ("openid " * 9000)[: authorize.LONGEST + 1] if authorize.LONGEST < 10**9 else "openid " * 1500
    form = app.request(**{name: long.strip() + "x"})
    answer = app.browser.post(f"{app.base}/auth/authorize", data=form)
    told = app.callback(answer) if app.returned(answer) else {}
    refusals = ("invalid_request", "invalid_scope")
    held(answer.status_code == 400 or told.get("error") in refusals, f"an endless {name}")


@attack(
    "oversized parameters",
    {"sandbox.auth.authorization.request.MOST": 10**9, "sandbox.core.limits.PARAMETERS_MAX": 10**9},
)
def authorizing_with_many(scene: Scene) -> None:
    app = scene.make()
    query = urlencode([*app.request().items(), *((f"p{number}", "") for number in range(200))])
    answer = app.browser.get(f"{app.base}/auth/authorize?{query}")
    held(answer.status_code == 400, "a request with hundreds of parameters")


_BOTTOMLESS = {
    "sandbox.core.limits.BODY_BYTES_MAX": 10**9,
    "sandbox.server.gateway.BODY_MAX": 10**9,
    "flask.Request.max_form_memory_size": None,
}


@attack("oversized parameters", _BOTTOMLESS, "token", endpoint="token")
@attack("oversized parameters", _BOTTOMLESS, "revoke", endpoint="revoke")
@attack("oversized parameters", _BOTTOMLESS, "par", endpoint="par")
def posting_without_end(scene: Scene, endpoint: str) -> None:
    app = scene.make()
    answer = app.post(endpoint, {"token": "x" * (2 << 20)})
    held(answer.status_code == 413, "memory for a body of two megabytes")
    assert answer.json()["error"] == "invalid_request"
