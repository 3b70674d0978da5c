"""The member's browser: forged forms, planted cookies, frames, guessed passwords."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from attacks.breach import Scene, held, undefended
from support import stores
from support.smart_app import SmartApp, hidden

from sandbox.apis.developer import home as developer_home
from sandbox.apis.developer import routes as developer_routes
from sandbox.apis.portal import routes
from sandbox.apis.smart import authorization, decision, pending_request
from sandbox.auth import password
from sandbox.store.ledger.repositories.sign_ins import BrowserSession
from sandbox.store.secret import digest
from sandbox.web import pages, session
from sandbox.web.errors import handlers
from sandbox.web.request import current

CREDENTIALS = {"username": "maria", "password": "maria-pass"}

_NO_TOKEN = undefended(session, require_token=lambda *more: None)
_NO_ORIGIN = undefended(authorization, refuse_foreign_forms=lambda: None)


# forged forms


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        pytest.param(None, {}, id="no token", marks=_NO_TOKEN),
        pytest.param("", {}, id="empty token", marks=_NO_TOKEN),
        pytest.param("own", {}, id="a token of one's own", marks=_NO_TOKEN),
        pytest.param("right", {"Origin": "https://evil.example"}, id="origin", marks=_NO_ORIGIN),
        pytest.param("right", {"Origin": "null"}, id="no origin", marks=_NO_ORIGIN),
        pytest.param("right", {"Sec-Fetch-Site": "cross-site"}, id="site", marks=_NO_ORIGIN),
    ],
)
def test_agreeing_for_the_member(scene: Scene, token: str | None, headers: dict[str, str]) -> None:
    """A page of somebody else posts the consent form with the member's cookie; even with a token that
    leaked, its origin gives it away."""
    app = scene.make()
    page = app.choose(app.log_in("maria"))
    form = hidden(page) | {"decision": "allow"}
    if token == "own":
        attacker = scene.make()
        token = hidden(attacker.follow(attacker.authorize()))["csrf"]
    if token is None:
        del form["csrf"]
    elif token != "right":
        form["csrf"] = token
    answer = app.browser.post(f"{app.base}/auth/consent", data=form, headers=headers)
    held(answer.status_code == 403 and "code=" not in str(answer.headers), "a consent nobody gave")
    assert "code" in app.decide(page, {"decision": "allow"})  # the member's own form still works


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        pytest.param("", {}, id="no token", marks=_NO_TOKEN),
        pytest.param("right", {"Origin": "https://evil.example"}, id="origin", marks=_NO_ORIGIN),
    ],
)
def test_signing_the_member_in(scene: Scene, token: str, headers: dict[str, str]) -> None:
    """Login CSRF: the member's browser is signed in as somebody else, and shares with them."""
    app = scene.make()
    form = hidden(app.follow(app.authorize())) | CREDENTIALS
    if token != "right":
        form["csrf"] = token
    answer = app.browser.post(f"{app.base}/auth/login", data=form, headers=headers)
    held(answer.status_code == 403 and "set-cookie" not in answer.headers, "a browser that is signed in")


# sessions


def _keeping_the_cookie(account: Any, browser: str = "") -> session.Browser:
    """Signing in raises the session that is there."""
    secret = session.kept(session.COOKIE)
    now = current().now()
    raised = BrowserSession(account.username, session.browser().session.csrf, now + 3_600_000, now)
    current().ledger.end_session(secret)
    current().ledger.add_session(secret, raised)
    return session._remember(session.Browser(digest(secret), raised))


@undefended(session, sign_in=_keeping_the_cookie)
def test_planting_a_cookie(scene: Scene) -> None:
    """The attacker gets a session and plants its cookie; the member signs in with it."""
    attacker, member = scene.make(), scene.make()
    attacker.follow(attacker.authorize())
    name, planted = attacker.session_cookie()
    member.browser.cookies.set(name, planted, path=httpx.URL(member.base).path + "/")
    page = member.follow(member.authorize())
    assert member.session_cookie() == (name, planted)
    member.browser.post(f"{member.base}/auth/login", data=hidden(page) | CREDENTIALS)
    held("Hello" not in attacker.browser.get(f"{attacker.base}/portal").text, "the member's portal")
    page = attacker.follow(attacker.authorize())
    held(page.url.path.endswith("/auth/login"), "the member's consent page")


# answers that are given again


def _whoever_signed_in(pending: Any) -> Any:
    return current().services.accounts[pending.username]


_FOR_EVERYBODY = undefended(pending_request, _is_ours=lambda pending: True, member=_whoever_signed_in)


@pytest.mark.parametrize(
    "username",
    [
        pytest.param(None, id="a stranger"),
        pytest.param("walter", id="another member"),
        pytest.param("maria", id="the member elsewhere"),
    ],
)
@_FOR_EVERYBODY
def test_asking_for_the_answer_again(scene: Scene, username: str | None) -> None:
    """The consent form answers a second time with the same code, while that is good: to the browser that
    has it already. The attacker knows the sign-in's address, and has a session and a token of their own."""
    member, attacker = scene.make(), scene.make()
    page = member.choose(member.log_in("maria"))
    code = member.decide(page, {"decision": "allow"})["code"]
    portal = attacker.browser.get(f"{attacker.base}/portal")
    if username:
        form = hidden(portal) | {"username": username, "password": f"{username}-pass"}
        attacker.browser.post(f"{attacker.base}/portal/login", data=form)
        portal = attacker.browser.get(f"{attacker.base}/portal")
    form = {"request": hidden(page)["request"], "csrf": hidden(portal)["csrf"], "decision": "allow"}
    answer = attacker.browser.post(f"{attacker.base}/auth/consent", data=form)
    held("location" not in answer.headers, "the member's code")
    held(answer.status_code == 400, "an answer")
    assert member.redeem(code).status_code == 200  # and the attempt has not spoilt it


_UNSEALED = undefended(decision, seal=lambda text, secret: text, unseal=lambda text, secret: text)


@_UNSEALED
def test_reading_the_answer_in_the_ledger(scene: Scene) -> None:
    """What is kept to be sent again is of no use to whoever reads the ledger."""
    app = scene.make()
    page = app.choose(app.log_in("maria"))
    code = app.decide(page, {"decision": "allow"})["code"]
    held(code.encode() not in stores.kept(scene.ledger), "a good code, from the file of the ledger")
    assert app.decide(page, {"decision": "allow"})["code"] == code


# frames


_page = pages.page


def _frameable(*args: Any, **values: Any) -> Any:
    response = _page(*args, **values)
    del response.headers["X-Frame-Options"]
    response.headers["Content-Security-Policy"] = "default-src 'self'"
    return response


_FRAMEABLE = undefended(
    pages, authorization, routes, handlers, developer_routes, developer_home, page=_frameable
)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("auth/login", id="login"),
        pytest.param("auth/consent", id="consent"),
        pytest.param("auth/pick", id="picker"),
        pytest.param("auth/authorize", id="error"),
        pytest.param("portal", id="portal"),
        pytest.param("developer", id="developer"),
        pytest.param("developer/register", id="registration"),
    ],
)
@_FRAMEABLE
def test_framing_a_page(scene: Scene, path: str) -> None:
    app = scene.make()
    answer = shown(app, path)
    held(answer.headers.get("x-frame-options") == "DENY", "a frame in an old browser")
    policy = dict(
        rule.strip().partition(" ")[::2]
        for rule in answer.headers.get("content-security-policy", "").split(";")
    )
    held(policy.get("frame-ancestors") == "'none'", "a frame")
    scripts = policy.get("script-src", "'self'")  # a page may have the payer's own
    held(policy.get("default-src") == "'none'" and scripts == "'self'", "a script")


def _leading_away(*args: Any, **values: Any) -> Any:
    return _page(*args, **values | {"leaves": True})


_ANYWHERE = undefended(pages, routes, handlers, developer_routes, developer_home, page=_leading_away)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("auth/authorize", id="error"),
        pytest.param("portal", id="portal"),
        pytest.param("developer", id="developer"),
        pytest.param("developer/register", id="registration"),
    ],
)
@_ANYWHERE
def test_posting_a_form_elsewhere(scene: Scene, path: str) -> None:
    """Markup that somebody has slipped into a page may not post what the page holds to another site. Only
    the pages of a sign-in have to allow it: their forms may end at an app."""
    policy = shown(scene.make(), path).headers["content-security-policy"]
    held("form-action 'self'" in policy.split("; "), "a form to another site")


def shown(app: SmartApp, path: str) -> httpx.Response:
    if path == "auth/authorize":
        return app.authorize(client_id="nobody")
    if not path.startswith("auth"):
        return app.browser.get(f"{app.base}/{path}")
    if path == "auth/login":
        return app.follow(app.authorize())
    page = app.follow(app.log_in("family" if path == "auth/pick" else "maria"))
    assert page.url.path.endswith(path)
    return page


# passwords


_NEVER_WAITING = undefended(password, seconds_to_wait=lambda context, username, address: None)


@pytest.mark.parametrize(
    ("names", "tries"),
    [
        pytest.param(("maria",), 11, id="one name"),
        pytest.param(("a{}", "b{}", "c{}"), 51, id="many names"),
    ],
)
@_NEVER_WAITING
def test_guessing_passwords(scene: Scene, names: tuple[str, ...], tries: int) -> None:
    """Guess until told to wait; then not even the right password works, whatever headers say."""
    app = scene.make()
    page = hidden(app.follow(app.authorize()))
    for number in range(tries):
        name = names[number % len(names)].format(number)
        guess = {"username": name, "password": f"guess-{number}"}
        elsewhere = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        answer = app.browser.post(f"{app.base}/auth/login", data=page | guess, headers=elsewhere)
    held(answer.status_code == 429, "as many guesses as one likes")
    held(int(answer.headers["retry-after"]) > 0, "no word of when")
    right = app.browser.post(f"{app.base}/auth/login", data=page | CREDENTIALS)
    held(right.status_code == 429, "a sign-in by guessing")


@_NEVER_WAITING
def test_guessing_at_the_portal_as_well(scene: Scene) -> None:
    """Two doors, one count."""
    app = scene.make()
    for door in ("auth/login", "portal/login") * 6:
        first = app.authorize() if door.startswith("auth") else app.browser.get(f"{app.base}/portal")
        guess = hidden(app.follow(first)) | {"username": "maria", "password": "guess"}
        answer = app.browser.post(f"{app.base}/{door}", data=guess)
    held(answer.status_code == 429, "as many guesses as one likes")
