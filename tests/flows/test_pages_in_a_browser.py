"""The pages of members and developers: axe-core finds nothing, keyboard only, in English and Spanish."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.smart_app import MakeApp, SmartApp

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS")
"""A folder that keeps the screenshots, for people who look at them."""


class Reader:
    """Somebody with a browser of one width and one language."""

    def __init__(self, page: Any, app: SmartApp, axe: str, name: str):
        self.page, self.app, self.axe, self.name = page, app, axe, name
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))

    def sees(self, what: str) -> None:
        """Find no violation, nothing wider than the screen, one main and one heading of the first level.
        Keep the picture of the page where somebody asked for it."""
        page = self.page
        page.wait_for_load_state()  # with its style sheet
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{what}-{self.name}.png", full_page=True)
        page.evaluate(self.axe)
        violations = page.evaluate("axe.run()")["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in violations] == [], what
        assert page.locator("main").count() == page.locator("h1").count() == 1, what

    def asks(self, **changes: str) -> None:
        self.page.goto(f"{self.app.base}/auth/authorize?{urlencode(self.app.request(**changes))}")

    def signs_in(self, username: str, password: str | None = None) -> None:
        """By keyboard alone: the first field has the focus."""
        self.page.wait_for_function("document.activeElement.name === 'username'")
        self.page.keyboard.type(username)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password or f"{username}-pass")
        self.page.keyboard.press("Enter")

    def tabs_to(self, words: str) -> None:
        """Press Tab until the focus is on something that says these words."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if words in self.page.evaluate("document.activeElement.textContent"):
                return
        raise AssertionError(f"Tab never reaches {words!r}")


@pytest.fixture(params=[(390, "en"), (1280, "es")], ids=["phone-en", "desktop-es"])
def reader(request: pytest.FixtureRequest, chromium: Any, axe: str) -> Iterator[Callable[[SmartApp], Reader]]:
    width, lang = request.param
    if PICTURES and os.environ.get("SCREENSHOTS_LANG"):
        lang = os.environ["SCREENSHOTS_LANG"]
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale=lang)
    yield lambda app: Reader(context.new_page(), app, axe, f"{width}-{lang}")
    context.close()


ALLOW, SWITCH = {"en": "Allow", "es": "Permitir"}, {"en": "Español", "es": "English"}


def test_a_member_connects_an_app_by_keyboard(reader: Any, app: SmartApp) -> None:
    app.redirect_uri = f"{app.base}/developer"  # an address on loopback at which somebody listens
    who = reader(app)
    page, lang = who.page, who.name[-2:]
    who.asks()
    who.sees("login")
    assert page.locator("html").get_attribute("lang") == lang
    who.signs_in("maria", "wrong")
    page.wait_for_selector("[role=alert]")
    who.sees("login-wrong")
    page.fill("#username", "")
    page.focus("#username")
    who.signs_in("maria")
    page.wait_for_url("**/auth/consent**")
    who.sees("consent")
    who.tabs_to(ALLOW[lang])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{app.redirect_uri}?**")
    code = page.url.split("code=")[1].split("&")[0]
    assert app.redeem(code).json()["scope"] == app.scope
    page.goto(f"{app.base}/portal")
    page.locator("summary").click()
    who.sees("portal")
    # Chromium says that a form answered 400; the pages themselves say nothing.
    assert [text for text in who.complaints if "400" not in text] == []


def test_a_subscriber_picks_a_child(reader: Any, app: SmartApp) -> None:
    who = reader(app)
    page = who.page
    who.asks()
    who.signs_in("family")
    page.wait_for_url("**/auth/pick**")
    who.sees("pick")
    page.locator("input[checked]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/auth/consent**")
    who.sees("consent-for-child")
    assert "Ella Nguyen" in page.inner_text("main") or "Emil Nguyen" in page.inner_text("main")


def test_what_cannot_be_is_told_on_pages(reader: Any, at: Any, app: SmartApp) -> None:
    who = reader(at("says-it-on-a-page"))
    who.asks()
    who.signs_in("nina")
    who.page.wait_for_selector("[role=alert]")
    who.sees("refused")
    who.page.goto(f"{app.base}/auth/authorize?client_id=nobody")
    who.sees("problem")
    who.page.goto(f"{app.base}/portal")
    who.sees("portal-login")
    who.page.goto(f"{app.base}/portal/nothing")
    who.sees("not-found")


@pytest.mark.parametrize(
    "path",
    [
        "developer",
        "developer?q=invalid_grant",
        "fhir",
        "_sandbox/review",
        "developer/docs",
        "developer/docs?q=invalid_grant",
        "developer/docs/testing",
        "developer/docs/catalogue",
        "developer/docs/checks/refresh-token",
        "fhir/metadata",
        "fhir/.well-known/smart-configuration",
        "developer/register",
        "developer/apps",
        "member/education",
        "member/education?lang=es",
    ],
)
def test_the_public_pages(reader: Any, app: SmartApp, path: str) -> None:
    who = reader(app)
    answer = who.page.goto(f"{app.base}/{path}")
    assert answer.status == 200
    who.sees(path.replace("/", "-").replace("?", "-"))


def test_the_language_can_be_switched_and_stays(reader: Any, make_app: MakeApp) -> None:
    app = make_app()
    who = reader(app)
    page, lang = who.page, who.name[-2:]
    other = "es" if lang == "en" else "en"
    who.asks()
    page.get_by_role("link", name=SWITCH[lang]).click()
    assert page.locator("html").get_attribute("lang") == other
    page.focus("#username")
    who.signs_in("maria")
    page.wait_for_url("**/auth/consent**")
    assert page.locator("html").get_attribute("lang") == other
    assert page.get_by_role("button", name=ALLOW[other], exact=True).count() == 1
    page.goto(f"{app.base}/portal")
    assert page.locator("html").get_attribute("lang") == other


def test_axe_finds_what_is_wrong(reader: Any, app: SmartApp) -> None:
    who = reader(app)
    who.asks()
    who.page.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label"):
        who.sees("broken")


# the developer site


def test_an_app_is_registered_and_looked_after_by_keyboard(reader: Any, app: SmartApp) -> None:
    who = reader(app)
    page = who.page
    page.goto(f"{app.base}/developer/register")
    page.locator("#client_name").focus()
    keys = page.keyboard
    keys.type("By keyboard")
    keys.press("Tab")
    keys.press("ArrowDown")  # from no secret to a client secret
    keys.press("Tab")
    keys.type("http://evil.example/cb")
    page.locator("#scope").focus()
    keys.press("Enter")
    page.get_by_role("alert").wait_for()
    who.sees("registration-refused")
    assert page.locator("#client_name").input_value() == "By keyboard"
    page.locator("#redirect_uris").fill("https://app.example/cb")
    page.locator("#scope").focus()
    keys.press("Enter")
    page.get_by_text("Copy the client secret now").wait_for()
    who.sees("registered")
    page.get_by_role("button", name="New secret, with notice").focus()
    keys.press("Enter")
    page.get_by_text("The old secret works until").wait_for()
    who.sees("rotated")


def test_an_app_with_keys_is_shown(reader: Any, app: SmartApp) -> None:
    who = reader(app)
    page = who.page
    page.goto(f"{app.base}/developer/register")
    page.get_by_label("Name of the app").fill("Service")
    page.locator("#kind-backend").check()
    page.get_by_label("URL of the JWK Set").fill("https://app.example/jwks")
    page.get_by_label("Scopes that the app may request").fill("system/*.rs")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("button", name="Replace the keys").wait_for()
    who.sees("registered-service")
