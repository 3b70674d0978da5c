"""The developer site and the education page in a browser: axe-core finds nothing, keyboard only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.smart_app import SmartApp

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS")


def judge(page: Any, axe: str, what: str) -> None:
    """No violation, nothing wider than the screen, one main with one heading of the first level."""
    page.wait_for_load_state()  # with its style sheet
    width = page.viewport_size["width"]
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{what}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, what
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], what
    assert page.locator("main").count() == page.locator("h1").count() == 1, what


@pytest.fixture(params=[390, 1280], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest, chromium: Any) -> Any:
    context = chromium.new_context(viewport={"width": request.param, "height": 900}, locale="en")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "path",
    [
        "developer",
        "developer?q=invalid_grant",
        "fhir",
        "_sandbox/review",
        "developer/docs",
        "developer/register",
        "developer/apps",
        "member/education",
        "member/education?lang=es",
    ],
)
def test_a_public_page_has_no_barrier(page: Any, app: SmartApp, axe: str, path: str) -> None:
    page.goto(f"{app.base}/{path}")
    judge(page, axe, path.replace("/", "-").replace("?", "-"))


def test_an_app_is_registered_and_looked_after_by_keyboard(page: Any, app: SmartApp, axe: str) -> None:
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
    judge(page, axe, "registration-refused")
    assert page.locator("#client_name").input_value() == "By keyboard"
    page.locator("#redirect_uris").fill("https://app.example/cb")
    page.locator("#scope").focus()
    keys.press("Enter")
    page.get_by_text("Copy the client secret now").wait_for()
    judge(page, axe, "registered")
    page.get_by_role("button", name="New secret, with notice").focus()
    keys.press("Enter")
    page.get_by_text("The old secret works until").wait_for()
    judge(page, axe, "rotated")


def test_an_app_with_keys_is_shown(page: Any, app: SmartApp, axe: str) -> None:
    page.goto(f"{app.base}/developer/register")
    page.get_by_label("Name of the app").fill("Service")
    page.locator("#kind-backend").check()
    page.get_by_label("URL of the JWK Set").fill("https://app.example/jwks")
    page.get_by_label("Scopes that the app may request").fill("system/*.rs")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("button", name="Replace the keys").wait_for()
    judge(page, axe, "registered-service")
