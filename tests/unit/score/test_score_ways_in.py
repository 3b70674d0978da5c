"""Ways to sign in beside the payer's forms: a client given or registered, a browser, a script."""

from __future__ import annotations

import json
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from conftest import Grade, line_of
from fake_payer import HOST, FakePayer

from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.instruments.facts import Member
from sandbox.score.run import SignInOptions
from sandbox.score.signin import browser, script
from sandbox.score.signin.chromium import find_chromium
from sandbox.score.signin.launch import SignInSession
from sandbox.score.signin.page_flow import Ended
from sandbox.score.signin.scopes import SCOPE

NOBODY = Member(username="", password="")
PATIENT = 300.0  # seconds, for an answer of this machine


class Registering(FakePayer):
    """A payer that lends accounts but no client, and lets apps register themselves."""

    answer: tuple[int, dict[str, Any]] = (201, {"client_id": "fresh-client"})

    def _smart(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        found = super()._smart(request, prefix, path).json()
        return httpx.Response(200, json={**found, "registration_endpoint": f"{HOST}/auth/register"})

    def _auth(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        if path == "/auth/register":
            return httpx.Response(self.answer[0], json=self.answer[1])
        return super()._auth(request, prefix, path)


def clients(payer: FakePayer) -> set[str]:
    asked = [r for r in payer.requests if r.url.path.endswith("/authorize")]
    return {r.url.params["client_id"] for r in asked}


def test_a_client_that_is_given_is_used(grade_fake: Grade) -> None:
    payer = FakePayer()
    card, _ = grade_fake(payer, entry=SignInOptions(client_id="mine"))
    assert (card.score, clients(payer)) == (100, {"mine"})


def test_registration_is_offered_and_made_only_when_asked_for(grade_fake: Grade) -> None:
    payer = Registering(instruments={"client_id": None})
    card, _ = grade_fake(payer)
    assert "/auth/register" not in payer.paths()
    line = line_of(card, "request-success")
    assert line.reason.endswith("pass --register to register a client")
    payer = Registering(instruments={"client_id": None})
    card, evidence = grade_fake(payer, entry=SignInOptions(register=True))
    assert (card.score, clients(payer)) == (100, {"fresh-client"})
    assert payer.paths().count("/auth/register") == 1
    assert "fresh-client" not in evidence.to_json().decode()


def test_registration_that_fails_says_why(grade_fake: Grade) -> None:
    payer = Registering(instruments={"client_id": None})
    payer.answer = (400, {"error": "invalid_redirect_uri"})
    card, _ = grade_fake(payer, entry=SignInOptions(register=True))
    line = line_of(card, "authorization-success")
    assert line.reason == "registering a client failed: the endpoint answered 400 (invalid_redirect_uri)"
    card, _ = grade_fake(FakePayer(instruments={"client_id": None}), entry=SignInOptions(register=True))
    line = line_of(card, "authorization-success")
    assert "does not support dynamic registration" in line.reason


def by_hand(payer: FakePayer) -> Any:
    """A person's browser: follows the fake payer's forms and calls the loopback callback."""

    def show(url: str) -> bool:
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        form = {k: query[k] for k in ("state", "redirect_uri", "code_challenge")} | {"user": "m3"}
        answer = payer._decided("", {**form, "decision": "allow"})
        come_back = partial(httpx.get, answer.headers["location"], timeout=PATIENT)
        threading.Thread(target=come_back).start()
        return True

    return show


def test_a_persons_own_browser(grade_fake: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    payer, told = FakePayer(facts=False), []
    monkeypatch.setattr("webbrowser.open", by_hand(payer))
    real = browser.driver
    monkeypatch.setattr(browser, "driver", lambda c, tell: real(c, tell, by_hand(payer)))
    card, _ = grade_fake(payer, entry=SignInOptions(client_id="mine", browser=True), tell=told.append)
    lines = {line.id: line for line in card.lines}
    assert lines["request-success"].points == 10
    assert lines["refresh-token"].points == 2  # it works, for how long is not known
    assert lines["authorization-success"].reason == "a single sign-in by hand gives no rate"
    assert "Sign in in your browser" in told[0]


def test_a_browser_that_nobody_comes_back_from() -> None:
    with browser.Callback() as callback:
        drive = browser.driver(callback, lambda text: None, lambda url: False, timeout=0.05)
        ended = drive("http://p/authorize", NOBODY)
        assert isinstance(ended, SignInSession)
        assert "nobody returned" in ended.reason
        assert (
            httpx.get(callback.redirect_uri, timeout=PATIENT).status_code == 404
        )  # no code, no error: not a callback
        assert (
            httpx.get(callback.redirect_uri.replace("/callback", "/x?code=1"), timeout=PATIENT).status_code
            == 404
        )
        assert callback.wait(0.01) == ""


def test_a_connection_opened_ahead_is_not_in_the_way_of_the_callback() -> None:
    with browser.Callback() as callback:
        port = urlsplit(callback.redirect_uri).port or 0
        with socket.create_connection(("127.0.0.1", port)):
            assert httpx.get(f"{callback.redirect_uri}?code=c", timeout=PATIENT).status_code == 200
        assert callback.wait(PATIENT).endswith("/callback?code=c")


@pytest.mark.parametrize("uri", ["https://127.0.0.1/cb", "http://app.example/cb", "myapp://cb"])
def test_a_browser_needs_a_callback_on_this_machine(uri: str) -> None:
    with pytest.raises(UsageError, match="on this machine"):
        browser.Callback(uri)


def test_a_port_that_is_taken_is_said() -> None:
    with browser.Callback() as first, pytest.raises(UsageError, match="cannot listen"):
        browser.Callback(first.redirect_uri)


@pytest.mark.parametrize(
    ("text", "says"),
    [("x = 1\n", "no function"), ("1/0\n", "ZeroDivisionError"), ("def (:\n", "SyntaxError")],
)
def test_a_script_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "hook.py"
    path.write_text(text)
    with pytest.raises(FileProblem, match=says):
        script.load(path)
    with pytest.raises(FileProblem, match="no such file"):
        script.load(tmp_path / "none.py")


def test_without_playwright_a_script_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hook.py"
    path.write_text("def sign_in(page, account): ...\n")
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(UsageError, match="pip install playwright"):
        script.load(path)


@pytest.mark.browser
def test_a_script_leads_a_browser_to_the_callback(tmp_path: Path) -> None:
    page = tmp_path / "login.html"
    page.write_text(
        '<form><input id=user><input id=pass type=password><button type=button onclick="location='
        "'http://127.0.0.1/callback?code='+user.value\">Go</button></form>"
    )
    redirect = "http://127.0.0.1/callback"
    drive = script.driver(lambda p, account: (p.fill("#user", account.username), p.click("button")), redirect,
                          find_chromium())  # fmt: skip
    assert drive(page.as_uri(), Member(username="ann", password="pw")) == Ended(f"{redirect}?code=ann")
    lazy = script.driver(lambda p, account: None, redirect, find_chromium(), timeout_ms=500)
    ended = lazy(page.as_uri(), NOBODY)
    assert isinstance(ended, SignInSession)
    assert ended.reason == "the sign-in script ended before the callback"
    hook = lambda p, account: p.click("#nothing", timeout=1)  # noqa: E731
    wrong = script.driver(hook, redirect, find_chromium())
    ended = wrong(page.as_uri(), NOBODY)
    assert isinstance(ended, SignInSession)
    assert ended.reason.startswith("the sign-in script stopped")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"client_id": "fresh-client"}, ""),
        (201, {"client_id": "fresh-client", "client_secret": 7}, ""),
        (201, {"client_id": 7}, "201 (no client_id)"),
        (201, {"client_id": ""}, "201 (no client_id)"),
        (201, {}, "201 (no client_id)"),
        (202, {"client_id": "fresh-client"}, "202 (no client_id)"),
        (500, {"client_id": "fresh-client", "error": "server_error"}, "500 (server_error)"),
    ],
)
def test_a_registration_gives_a_client_or_says_why_not(
    status: int, body: dict[str, Any], told: str, grade_fake: Grade
) -> None:
    payer = Registering(instruments={"client_id": None})
    payer.answer = (status, body)
    card, _ = grade_fake(payer, entry=SignInOptions(register=True))
    asked = next(request for request in payer.requests if request.url.path == "/auth/register")
    assert json.loads(asked.content) == {
        "client_name": "payer-sandbox grader",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    }
    line = line_of(card, "authorization-success")
    assert line.reason.endswith(told) if told else card.score == 100
