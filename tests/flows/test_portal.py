"""The member portal and the developer page."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp, hidden


def sign_in(app: SmartApp, username: str, password: str) -> httpx.Response:
    form = hidden(app.browser.get(f"{app.base}/portal")) | {"username": username, "password": password}
    return app.browser.post(f"{app.base}/portal/login", data=form)


def enter(app: SmartApp, username: str) -> httpx.Response:
    answer = sign_in(app, username, f"{username}-pass")
    assert answer.status_code == 303
    return app.browser.get(f"{app.base}/portal")


def test_a_member_sees_an_app_and_ends_its_access(maria: SmartApp) -> None:
    page = enter(maria, "maria")
    assert "Sandbox App" in page.text
    assert maria.browser.post(f"{maria.base}/portal/revoke", data=hidden(page)).status_code == 303
    assert maria.get("Patient").status_code == 401
    assert maria.refresh().status_code == 400


def test_a_member_cannot_end_another_members_app(make_app: MakeApp, maria: SmartApp) -> None:
    grant = hidden(enter(maria, "maria"))["grant"]
    walter = make_app()
    form = hidden(enter(walter, "walter")) | {"grant": grant}
    assert walter.browser.post(f"{walter.base}/portal/revoke", data=form).status_code == 403
    assert maria.get("Patient").status_code == 200


def test_forms_without_the_sessions_token_do_nothing(app: SmartApp) -> None:
    enter(app, "oscar")
    for form in ({}, {"csrf": "guess"}):
        assert app.browser.post(f"{app.base}/portal/opt-in", data=form).status_code == 403
    assert "Sharing is off" in app.browser.get(f"{app.base}/portal").text


@pytest.mark.parametrize("path", ["login", "logout"])
def test_a_form_that_a_second_tab_sends_too_late_leads_back_to_the_portal(app: SmartApp, path: str) -> None:
    credentials = {"username": "maria", "password": "maria-pass"}
    url, form = f"{app.base}/portal/{path}", hidden(app.browser.get(f"{app.base}/portal")) | credentials
    if path == "logout":
        app.browser.post(f"{app.base}/portal/login", data=form)
        form = hidden(app.browser.get(f"{app.base}/portal"))
    assert app.browser.post(url, data=form).status_code == 303
    late = app.browser.post(url, data=form)
    assert late.status_code == 403
    assert f'href="{app.base}/portal"' in late.text


def test_a_wrong_password_stays_outside(app: SmartApp) -> None:
    answer = sign_in(app, "maria", "x")
    assert answer.status_code == 400
    assert "password is incorrect" in answer.text


def test_pages_are_safe_to_show(app: SmartApp) -> None:
    first = app.authorize()
    page = app.follow(first)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path={httpx.URL(app.base).path}/" in cookie


def test_what_members_and_apps_send_is_escaped(app: SmartApp) -> None:
    evil = "<script>alert(1)</script>"
    assert evil not in app.browser.get(f"{app.base}/nothing/{evil}").text
    page = app.follow(app.authorize(redirect_uri=f"http://127.0.0.1/{evil}"))
    answer = app.browser.post(
        f"{app.base}/auth/login", data=hidden(page) | {"username": "maria", "password": "maria-pass"}
    )
    assert evil not in app.follow(answer).text


def test_the_developer_page_is_public_and_tells_where_to_start(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/developer")
    assert "CARIN Blue Button 2.0.0, US Core 6.1.0, SMART" in page.text
    assert page.text.count("scenarios</summary>") == 6  # areas of scenarios
    assert "<code>seconds=5</code>" in page.text
    assert page.status_code == 200
    for needed in (f"{app.base}/fhir", "sandbox-app", "maria-pass", "/s/rate-limited/fhir"):
        assert needed in page.text
    assert not re.findall(r'(?:src|href)="https?://(?!127\.0\.0\.1)', page.text)


def test_the_developer_page_searches_scenarios(app: SmartApp) -> None:
    def read(query: str) -> str:
        page = httpx.get(f"{app.base}/developer", params={"q": query})
        assert page.status_code == 200
        return html.unescape(page.text)

    page = read("Clock-Skew")
    assert "id-token-from-the-future" in page
    assert "Matches: keyword clock skew" in page
    assert 'value="Clock-Skew"' in page
    assert "rate-limited</code></td>" not in page
    assert "100 of 100: the rubric cannot see it" in page
    assert 'No scenario matches <strong>pagnation</strong>. Did you mean <a href="' in read("pagnation")
    assert "No scenario matches every word." in read("rate-limited xyzzy")
    assert "<strong><script>" not in httpx.get(f"{app.base}/developer?q=<script>").text
    assert read(" ").count("scenarios</summary>") == 6
