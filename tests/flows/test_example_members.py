"""The login page of a sandbox lists members to try, and fills in the form as one of them."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from support.smart_app import SmartApp, hidden


def read_form(page: httpx.Response) -> dict[str, str]:
    """What the login form of a page would send."""
    fields = re.findall(r'name="(username|password)"[^>]* value="([^"]*)"', page.text)
    return hidden(page) | dict(fields)


def choose(app: SmartApp, username: str) -> httpx.Response:
    """Begin a sign-in, and choose a member of the list."""
    page = app.follow(app.authorize())
    link = re.search(rf'href="([^"]*account={username})"', page.text)
    assert link, page.text
    return app.browser.get(html.unescape(link[1]))


def test_a_member_of_the_list_fills_in_the_form(app: SmartApp) -> None:
    form = read_form(choose(app, "maria"))
    assert (form["username"], form["password"]) == ("maria", "maria-pass")
    answer = app.browser.post(f"{app.base}/auth/login", data=form)
    back = app.decide(app.choose(answer), {"decision": "allow"})
    assert app.redeem(back["code"]).status_code == 200


def test_another_name_fills_in_nothing(app: SmartApp) -> None:
    page = app.follow(app.authorize())
    form = read_form(app.browser.get(f"{page.url}&account=nobody"))
    assert (form["username"], form.get("password")) == ("", None)


def test_a_refused_password_is_all_that_the_page_then_says(app: SmartApp) -> None:
    answer = app.log_in("maria", "wrong")
    assert answer.status_code == 400
    assert "account=maria" not in answer.text


@pytest.mark.parametrize("name", ["no-test-accounts", "no-sandbox"])
def test_a_payer_may_list_nobody(at: Any, name: str) -> None:
    app = at(name)
    page = app.follow(app.authorize())
    assert page.status_code == 200
    assert "account=" not in page.text
