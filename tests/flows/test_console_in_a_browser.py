"""The console in Chromium: its jobs, two sessions at once, keyboard only, and axe-core on every tab."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.smart_app import SmartApp

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS")
"""A folder that keeps the pictures, for people who look at them."""

OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any) -> Iterator[OpenPage]:
    contexts: list[Any] = []

    def open_at(url: str, width: int = 1280, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()


def wait_for_live(page: Any) -> None:
    page.wait_for_selector("#live.on")


def test_requests_arrive_pause_and_open_in_full(open_page: OpenPage, app: SmartApp) -> None:
    page = open_page(f"{app.base}/console")
    wait_for_live(page)
    app.http.get(f"{app.base}/fhir/metadata")
    page.wait_for_selector("#rows .path:text('/fhir/metadata')")
    page.click("#pause")
    app.http.get(f"{app.base}/fhir/Patient")
    page.wait_for_timeout(1500)
    assert page.locator("#rows tr").count() == 1
    page.click("#pause")
    page.wait_for_selector("#rows tr.failed")
    page.click("#rows tr.failed a")
    assert "No bearer token came" in page.inner_text("main")
    page.click("text=Replay")
    page.wait_for_url(re.compile(r"/requests/\d+$"))
    assert "401" in page.inner_text("h1")
    page.locator("summary", has_text="pytest").click()
    page.locator("#s-pytest ~ button, .snippet:has(#s-pytest) button").first.click()
    page.wait_for_selector("text=Copied")


def test_rows_arrive_by_polling_where_streams_do_not_pass(open_page: OpenPage, app: SmartApp) -> None:
    page = open_page("about:blank")
    page.route("**/requests/stream*", lambda route: route.abort())
    page.goto(f"{app.base}/console")
    page.wait_for_selector("#live-text:text('Polling')")
    app.http.get(f"{app.base}/fhir/metadata")
    page.wait_for_selector("#rows .path:text('/fhir/metadata')")


def test_scenarios_are_found_set_combined_and_switched_off(open_page: OpenPage, maria: SmartApp) -> None:
    page = open_page(f"{maria.base}/console/scenarios")
    page.fill("#q", "slow")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=slow*")
    card = page.locator("details.scenario", has=page.locator("code", has_text=re.compile("^slow-responses$")))
    if card.get_attribute("open") is None:
        card.locator("summary").click()
    slider = card.locator("input[name=p-seconds]")
    slider.evaluate("e => { e.value = '0.2'; e.dispatchEvent(new Event('input')); }")
    card.locator("button[value=on]").click()
    page.wait_for_selector("text=/slow-responses,seconds=0.2/")
    page.goto(f"{maria.base}/console/scenarios?q=totals-missing")
    page.locator("details.scenario button[value=on]").first.click()
    page.wait_for_selector("section ul.plain >> text=totals-missing")
    answer = maria.get(f"ExplanationOfBenefit?patient={maria.patient}&_total=accurate")
    assert "total" not in answer.json()
    assert "slow-responses" in answer.headers["Sandbox-Effects"]
    while page.locator("button[value=off]").count():
        before = page.locator("button[value=off]").count()
        page.locator("button[value=off]").first.click()
        page.wait_for_function(f"document.querySelectorAll('button[value=off]').length < {before}")
    assert "Sandbox-Effects" not in maria.get("Patient").headers
    page.fill("#times", "2")
    page.select_option("#place", "token")
    page.click("text=Arm")
    page.wait_for_selector("text=2 of 2 left")
    assert [maria.refresh().status_code for _ in range(3)] == [503, 503, 200]


def test_the_clock_jumps_and_the_payer_starts_over(open_page: OpenPage, maria: SmartApp) -> None:
    page = open_page(f"{maria.base}/console/clock")
    assert "Access token expires" in page.inner_text("main")
    page.click("text=+ 90 days")
    page.wait_for_selector(".moved")
    assert maria.get("Patient").status_code == 401
    page.fill("#set", "2031-05-06T07:08")
    page.get_by_role("button", name="Set", exact=True).click()
    page.wait_for_selector("text=2031-05-06 07:08")
    page.click("text=Reset this payer")
    page.wait_for_url("**/console")
    assert page.locator(".moved").count() == 0


def test_a_member_signs_in_and_an_app_is_registered(open_page: OpenPage, app: SmartApp) -> None:
    page = open_page(f"{app.base}/console/members?q=maria")
    page.get_by_role("button", name="Sign in as maria", exact=True).click()
    page.wait_for_selector("#token-body >> text=access_token")
    page.click("button[value=revoke]")
    page.wait_for_selector("text=None.")
    page.click("button[value=lock]")
    page.wait_for_selector("button[value=unlock]")
    page.goto(f"{app.base}/console/apps")
    page.fill("#name", "Made in the console")
    page.fill("#uris", "http://127.0.0.1:3000/callback")
    page.select_option("#method", "client_secret_basic")
    page.get_by_role("button", name="Register", exact=True).click()
    page.wait_for_selector("#secret")
    secret = page.inner_text("#secret")
    row = page.locator("tr", has_text="Made in the console")
    row.locator("summary").click()
    row.locator("button[value=now]").click()
    page.wait_for_function(f"document.querySelector('#secret')?.textContent !== {secret!r}")


def test_two_sessions_at_once_do_not_see_each_other(
    open_page: OpenPage, origin: str, session_name: str
) -> None:
    bases = [f"{origin}/s/~{session_name[:50]}-{n}" for n in "ab"]
    pages = [open_page(f"{base}/console") for base in bases]
    for page, base, path in zip(pages, bases, ("/fhir/metadata", "/fhir/Coverage"), strict=True):
        wait_for_live(page)
        with SmartApp(base) as app:
            app.http.get(f"{base}{path}")
    for page, path in zip(pages, ("/fhir/metadata", "/fhir/Coverage"), strict=True):
        page.wait_for_selector(f"#rows .path:text('{path}')")
    for page in pages:
        page.wait_for_timeout(1000)
        assert page.locator("#rows tr").count() == 1
    pages[0].goto(f"{bases[0]}/console/clock")
    pages[0].click("text=+ 1 day")
    pages[0].wait_for_selector(".moved")
    pages[1].goto(f"{bases[1]}/console/clock")
    assert pages[1].locator(".moved").count() == 0


def test_a_session_is_opened_and_its_app_is_reviewed_and_scored(open_page: OpenPage, maria: SmartApp) -> None:
    maria.get("Patient")
    page = open_page(f"{maria.base}/console/review")
    assert "passed" in page.inner_text("main")
    page.goto(f"{maria.base}/console/score")
    page.get_by_role("button", name="Score this payer").click()
    page.wait_for_selector("p.big strong")
    assert "/ 100" in page.inner_text("p.big")
    page.goto(f"{maria.base}/console/sessions")
    page.fill("#name", "opened-by-a-browser")
    page.get_by_role("button", name="Open", exact=True).click()
    page.wait_for_url("**/s/~opened-by-a-browser/console/sessions")


def test_a_scenario_is_switched_on_by_keyboard_alone(open_page: OpenPage, app: SmartApp) -> None:
    page = open_page(f"{app.base}/console")

    def tab_to(condition: str) -> None:
        for _ in range(150):
            page.keyboard.press("Tab")
            if page.evaluate(f"(e => {condition})(document.activeElement)"):
                return
        raise AssertionError(f"Tab never reaches {condition}")

    tab_to("e.textContent === 'Scenarios'")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/scenarios")
    tab_to("e.id === 'q'")
    page.keyboard.type("totals-missing")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=totals-missing")
    tab_to("e.value === 'on'")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=off]")


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(390, "light", "en"), (390, "dark", "es"), (1600, "light", "es"), (1600, "dark", "en")],
)
def test_axe_finds_no_violation_on_any_tab(
    open_page: OpenPage, maria: SmartApp, axe: str, width: int, scheme: str, language: str
) -> None:
    maria.control("scenarios", {"selection": "slow-responses,seconds=0.1.totals-missing"})
    maria.control("fail-next", {"times": 2})
    maria.get(f"ExplanationOfBenefit?patient={maria.patient}&_total=accurate")
    maria.http.get(f"{maria.base}/fhir/Patient")
    page = open_page(f"{maria.base}/console", width, color_scheme=scheme, locale=language)
    refusal = page.locator("tr.failed a").first.get_attribute("href")
    fault = page.locator("tr:has(.effect) a").first.get_attribute("href")
    addresses = {
        "requests": "", "empty": "?client=nobody", "problem": "?status=x", "refusal": refusal, "fault": fault,
        "scenarios": "/scenarios", "found": "/scenarios?q=429", "clock": "/clock", "members": "/members",
        "member": "/members/maria", "apps": "/apps", "sessions": "/sessions", "score": "/score",
        "review": "/review",
    }  # fmt: skip
    for name, path in addresses.items():
        page.goto(path if path.startswith("http") else f"{maria.base}/console{path}")
        assert page.locator("html").get_attribute("lang") == language
        if name == "apps":
            page.locator("td summary").first.click()
        if PICTURES:
            page.screenshot(
                path=Path(PICTURES) / f"console-{name}-{width}-{scheme}-{language}.png", full_page=True
            )
        page.evaluate(axe)
        violations = page.evaluate("axe.run()")["violations"]
        assert [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in violations] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("main").count() == page.locator("h1").count() == 1, name
