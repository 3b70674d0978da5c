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


# claims, and what apps have read


def read_claims(page: httpx.Response) -> list[str]:
    return [
        " ".join(re.sub("<[^>]*>", " ", c).split())
        for c in page.text.split('<ul class="claims">')[1].split("<li>")[1:]
    ]


def test_a_member_sees_their_claims_a_page_at_a_time(app: SmartApp) -> None:
    page = enter(app, "maria")
    total = int(re.findall(r"(\d+) claims, the newest first", page.text)[0])
    pages = [read_claims(page)]
    while link := re.search(r'href="([^"]*/portal\?after=\d+)#claims"', page.text):
        page = app.browser.get(link[1])
        pages.append(read_claims(page))
    assert [len(claims) for claims in pages[:-1]] == [10] * (len(pages) - 1)
    assert sum(map(len, pages)) == total > 20
    assert re.search(r"20\d\d · \w+.* Billed \$[\d,]+\.\d\d Plan paid \$[\d,]+\.\d\d You owe \$", pages[0][0])


@pytest.mark.parametrize("after", ["-1", "x", "999999999999999", "1", "٣"])
def test_another_place_in_the_claims_is_no_error(app: SmartApp, after: str) -> None:
    enter(app, "maria")
    assert app.browser.get(f"{app.base}/portal", params={"after": after}).status_code == 200


def test_a_member_without_claims_reads_so(app: SmartApp) -> None:
    assert "There are no claims." in enter(app, "nina").text


def test_an_app_has_one_row_with_what_it_read(maria: SmartApp) -> None:
    assert maria.connect("maria").get("Patient").status_code == 200  # a second grant
    for _ in range(2):
        assert maria.get("ExplanationOfBenefit?_count=1").status_code == 200
    assert maria.get(f"Patient/{maria.patient}/$everything?_count=1").status_code == 200
    assert maria.get("Patient/nobody").status_code == 404
    page = enter(maria, "maria")
    assert page.text.count('<article class="app"') == 1
    text = " ".join(re.sub("<[^>]*>", " ", page.text).split())
    assert re.search(r"Name, date of birth and contact details once, on \w+ \d", text)
    assert re.search(r"Claims: what was billed, and who paid what 2 times, last on", text)
    assert "Everything at once once, on" in text
    assert maria.browser.post(f"{maria.base}/portal/revoke", data=hidden(page)).status_code == 303
    assert "No app can read your data." in maria.browser.get(f"{maria.base}/portal").text
    assert maria.get("Patient").status_code == 401


def test_an_app_that_has_read_nothing_says_so(maria: SmartApp) -> None:
    assert "It has not read anything yet." in enter(maria, "maria").text
