"""A sign-in in a real Chromium, at an app as teams have them: a back end on one port receives the callback
and sends the browser on to a front end on another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from support.smart_app import MakeApp, SmartApp
from support.web_server import Answer, web_server

pytestmark = pytest.mark.browser

HOME = b'<!doctype html><title>The app</title><link rel="icon" href="data:,"><h1>Home</h1>'


@dataclass
class TwoPorts:
    """A back end at `callback`, which answers every callback with a redirect to the front end at `home`."""

    callback: str
    home: str
    callbacks: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def two_ports() -> Iterator[TwoPorts]:
    callbacks: list[dict[str, str]] = []
    html = {"Content-Type": "text/html; charset=utf-8"}
    with web_server(lambda request, body: (200, html, HOME)) as front:
        home = f"{front.replace('127.0.0.1', 'localhost')}/home"

        def receive(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
            callbacks.append(dict(parse_qsl(urlsplit(request.path).query)))
            return 302, {"Location": home}, b""

        with web_server(receive) as back:
            yield TwoPorts(f"{back}/cb", home, callbacks)


@dataclass
class Member:
    """Somebody in front of one tab, and the app that they connect."""

    page: Any
    app: SmartApp

    def open_request(self, **changes: str) -> None:
        self.page.goto(f"{self.app.base}/auth/authorize?{urlencode(self.app.request(**changes))}")

    def log_in(self, username: str) -> None:
        self.page.fill("#username", username)
        self.page.fill("#password", f"{username}-pass")
        self.page.click("button[type=submit]")

    def reach_consent(self) -> None:
        """Sign in as maria, as far as the consent page."""
        self.open_request()
        self.log_in("maria")
        self.page.wait_for_url("**/auth/consent**")

    def wait_for_home(self) -> None:
        """By what is on the page: the first of two clicks is a navigation that the second cancels."""
        self.page.get_by_role("heading", name="Home").wait_for()

    def press(self, button: str, **how: Any) -> None:
        self.page.get_by_role("button", name=button, exact=True).click(**how)


@pytest.fixture
def context(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(locale="en")
    yield context
    context.close()


@pytest.fixture
def member(context: Any, make_app: MakeApp, two_ports: TwoPorts) -> Member:
    return Member(context.new_page(), make_app(redirect_uri=two_ports.callback))


# an app whose callback leads on to another origin


@pytest.mark.parametrize(("button", "parameter"), [("Allow", "code"), ("Do not allow", "error")])
def test_the_answer_reaches_a_front_end_of_another_origin(
    member: Member, two_ports: TwoPorts, button: str, parameter: str
) -> None:
    member.reach_consent()
    member.press(button)
    member.page.wait_for_url(two_ports.home)
    assert [(parameter in told, told["state"]) for told in two_ports.callbacks] == [(True, member.app.state)]


def test_the_error_of_an_ineligible_member_reaches_it_too(member: Member, two_ports: TwoPorts) -> None:
    member.open_request()
    member.log_in("nina")
    member.page.wait_for_url(two_ports.home)
    assert [told["error"] for told in two_ports.callbacks] == ["access_denied"]


def test_the_picker_lets_an_error_through_as_well(
    context: Any, make_app: MakeApp, two_ports: TwoPorts
) -> None:
    app = make_app(redirect_uri=two_ports.callback)
    member = Member(context.new_page(), app)
    app.control("members/family", {"locked": True})
    member.open_request()
    member.log_in("family")
    member.page.wait_for_url("**/auth/pick**")
    member.press("Continue")
    member.page.wait_for_url(two_ports.home)
    assert [told["error"] for told in two_ports.callbacks] == ["access_denied"]


# a form that is sent twice, and pages that somebody comes back to

SLOW = {
    "times": 50,
    "when": {"path": "/auth/consent", "method": "POST"},
    "then": {"do": "delay", "seconds": 1.5},
}
SLOW_LOGIN = SLOW | {"when": {"path": "/auth/login", "method": "POST"}}


def test_a_double_click_on_allow_reaches_the_app_of_a_slow_payer(member: Member, two_ports: TwoPorts) -> None:
    member.reach_consent()
    assert member.app.control("fail-next", SLOW).status_code == 200
    forms: list[str] = []
    member.page.on("request", lambda request: forms.append(request.method))
    member.press("Allow", click_count=2, delay=30, no_wait_after=True)
    member.wait_for_home()
    assert forms.count("POST") == 2
    assert len(two_ports.callbacks) == 1
    assert member.app.redeem(two_ports.callbacks[0]["code"]).status_code == 200


@pytest.mark.parametrize(("username", "parameter"), [("maria", "code"), ("nina", "error")])
def test_a_double_click_on_sign_in_is_one_sign_in(
    member: Member, two_ports: TwoPorts, username: str, parameter: str
) -> None:
    member.open_request()
    assert member.app.control("fail-next", SLOW_LOGIN).status_code == 200
    member.page.fill("#username", username)
    member.page.fill("#password", f"{username}-pass")
    forms: list[str] = []
    member.page.on("request", lambda request: forms.append(request.method))
    member.press("Sign in", click_count=2, delay=30, no_wait_after=True)
    if parameter == "code":
        member.press("Allow")
    member.wait_for_home()
    assert forms.count("POST") >= 2
    assert [parameter in told for told in two_ports.callbacks] == [True]


def test_back_and_allow_again_is_the_same_code(member: Member, two_ports: TwoPorts) -> None:
    member.reach_consent()
    for _ in range(2):
        member.press("Allow")
        member.page.wait_for_url(two_ports.home)
        member.page.go_back()
        member.page.wait_for_url("**/auth/consent**")
    assert len(two_ports.callbacks) == 2
    assert two_ports.callbacks[0] == two_ports.callbacks[1]
    assert member.app.redeem(two_ports.callbacks[1]["code"]).status_code == 200


def test_back_from_an_app_that_is_connected_leads_to_the_app(member: Member, two_ports: TwoPorts) -> None:
    member.reach_consent()
    member.press("Allow")
    member.page.wait_for_url(two_ports.home)
    assert member.app.redeem(two_ports.callbacks[0]["code"]).status_code == 200
    member.page.go_back()
    member.page.wait_for_url("**/auth/consent**")
    assert member.page.get_by_role("heading", level=1).inner_text() == "This sign-in is over"
    member.page.get_by_role("link", name="Back to the app").click()
    member.page.wait_for_url(two_ports.home)
    assert two_ports.callbacks[1]["error"] == "access_denied"
    assert two_ports.callbacks[1]["state"] == member.app.state


def test_back_after_declining_and_allow_is_a_code(member: Member, two_ports: TwoPorts) -> None:
    member.reach_consent()
    member.press("Do not allow")
    member.page.wait_for_url(two_ports.home)
    member.page.go_back()
    member.page.wait_for_url("**/auth/consent**")
    member.press("Allow")
    member.page.wait_for_url(two_ports.home)
    assert ["code" in told for told in two_ports.callbacks] == [False, True]
    assert member.app.redeem(two_ports.callbacks[1]["code"]).status_code == 200


def test_a_sign_in_in_each_of_two_tabs_works(context: Any, make_app: MakeApp, two_ports: TwoPorts) -> None:
    """Step by step in turns: both tabs show a login form before somebody signs in in the first."""
    tabs = [Member(context.new_page(), make_app(redirect_uri=two_ports.callback)) for _ in range(2)]
    for tab in tabs:
        tab.open_request()
    for tab in tabs:
        tab.log_in("maria")
        tab.page.wait_for_url("**/auth/consent**")
    for tab in tabs:
        tab.press("Allow")
        tab.page.wait_for_url(two_ports.home)
    assert [told["state"] for told in two_ports.callbacks] == [tab.app.state for tab in tabs]
    for tab, told in zip(tabs, two_ports.callbacks, strict=True):
        assert tab.app.redeem(told["code"]).status_code == 200


# an app of another kind


def test_an_app_with_a_scheme_of_its_own_gets_the_code(context: Any, app: SmartApp) -> None:
    app.redirect_uri = "com.example.sandbox:/callback"
    body = {"redirect_uris": [app.redirect_uri], "token_endpoint_auth_method": "none"}
    app.client_id = app.http.post(f"{app.base}/auth/register", json=body).json()["client_id"]
    member = Member(context.new_page(), app)
    complaints: list[str] = []
    member.page.on("console", lambda message: complaints.append(message.text))
    member.reach_consent()
    with member.page.expect_response("**/auth/consent") as answer:
        member.press("Allow")
    assert answer.value.headers["location"].startswith(f"{app.redirect_uri}?code=")
    assert not [text for text in complaints if "form-action" in text or "Content Security Policy" in text]
