"""Forms that come twice, other decisions, pages that are stale: every one leads to the app, or says how."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp, hidden

ALLOW, DENY = {"decision": "allow"}, {"decision": "deny"}
SOME = {"decision": "share", "data": ["coverage"], "offline": "yes"}


@pytest.fixture
def consent(app: SmartApp) -> httpx.Response:
    return app.follow(app.log_in("maria"))


def send(app: SmartApp, page: httpx.Response, decision: dict[str, Any]) -> httpx.Response:
    return app.browser.post(f"{app.base}/auth/consent", data=hidden(page) | decision)


def redeem(app: SmartApp, answer: httpx.Response) -> httpx.Response:
    return app.redeem(app.callback(answer)["code"])


# the same decision


@pytest.mark.parametrize("decision", [ALLOW, DENY, SOME])
def test_the_same_decision_again_is_the_same_redirect(
    app: SmartApp, consent: httpx.Response, decision: dict[str, Any]
) -> None:
    first, second = send(app, consent, decision), send(app, consent, decision)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    if decision != DENY:
        assert redeem(app, second).status_code == 200


def test_of_many_at_once_all_get_the_code_that_counts(app: SmartApp, consent: httpx.Response) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(app, consent, ALLOW), range(8)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    app.tokens = redeem(app, answers[0]).json()
    assert app.get("Coverage").status_code == 200
    assert app.browser.get(f"{app.base}/portal").text.count('name="grant"') == 1


def test_a_login_form_that_comes_twice_signs_in_once_more(app: SmartApp) -> None:
    """A browser sends the second with the cookie that the first has ended: it has not seen that answer."""
    page = app.follow(app.authorize())
    form = hidden(page) | {"username": "maria", "password": "maria-pass"}
    with httpx.Client(cookies=app.browser.cookies, timeout=600) as earlier:
        answers = [http.post(f"{app.base}/auth/login", data=form) for http in (app.browser, earlier)]
        assert [answer.status_code for answer in answers] == [303, 303]
        late = earlier.get(answers[1].headers["location"])
        assert late.status_code == 200
        back = earlier.post(f"{app.base}/auth/consent", data=hidden(late) | ALLOW)
    assert redeem(app, back).status_code == 200


def test_an_ineligible_member_who_signs_in_twice_hears_the_same_twice(app: SmartApp) -> None:
    page = app.follow(app.authorize())
    assert app.submit(page, "nina").headers["location"] == app.submit(page, "nina").headers["location"]
    again = app.follow(app.submit(page, "maria"))  # somebody else may still sign in
    assert "code" in app.decide(again, ALLOW)


def test_the_picker_may_be_answered_again(app: SmartApp) -> None:
    page = app.follow(app.log_in("family"))
    children = re.findall(r'name="patient"[^>]* value="([^"]+)"', page.text)
    app.choose(page, children[0])
    first = send(app, app.choose(page, children[1]), ALLOW)
    second = send(app, app.choose(page, children[2]), ALLOW)
    assert app.redeem(app.callback(first)["code"]).json()["error"] == "invalid_grant"
    assert redeem(app, second).json()["patient"] == children[2]


# another decision


@pytest.mark.parametrize(("before", "after"), [(ALLOW, SOME), (SOME, ALLOW), (DENY, ALLOW), (DENY, SOME)])
def test_the_last_decision_counts(
    app: SmartApp, consent: httpx.Response, before: dict[str, Any], after: dict[str, Any]
) -> None:
    first, second = app.callback(send(app, consent, before)), send(app, consent, after)
    if "code" in first:
        assert app.redeem(first["code"]).json()["error"] == "invalid_grant"
    scope = redeem(app, second).json()["scope"]
    assert (scope == app.scope) is (after == ALLOW)


def test_declining_after_all_ends_what_was_allowed(app: SmartApp, consent: httpx.Response) -> None:
    first = app.callback(send(app, consent, ALLOW))
    assert app.callback(send(app, consent, DENY))["error"] == "access_denied"
    assert app.redeem(first["code"]).json()["error"] == "invalid_grant"
    assert 'name="grant"' not in app.browser.get(f"{app.base}/portal").text


@pytest.mark.parametrize("ending", ["expired", "access ended"])
def test_a_code_that_is_no_good_any_more_is_not_sent_again(
    app: SmartApp, consent: httpx.Response, ending: str
) -> None:
    first = app.callback(send(app, consent, ALLOW))
    if ending == "expired":
        app.control("clock", {"advance": "PT61S"})
    else:
        app.browser.post(f"{app.base}/portal/revoke", data=hidden(app.browser.get(f"{app.base}/portal")))
    second = app.callback(send(app, consent, ALLOW))
    assert first["code"] != second["code"]
    assert app.redeem(second["code"]).status_code == 200


# sign-ins that are over


def returning(app: SmartApp, page: httpx.Response) -> dict[str, str]:
    """What the link of a page tells the app."""
    link = re.findall(r'<a href="([^"]+)">Back to the app</a>', page.text)[0]
    return app.callback(httpx.Response(303, headers={"Location": html.unescape(link)}))


def finish(app: SmartApp, consent: httpx.Response) -> None:
    assert redeem(app, send(app, consent, ALLOW)).status_code == 200


def wait(app: SmartApp, consent: httpx.Response) -> None:
    app.control("clock", {"advance": "PT30M"})


@pytest.mark.parametrize(("end", "words"), [(finish, "finished already"), (wait, "took too long")])
@pytest.mark.parametrize("step", ["login", "pick", "consent"])
def test_a_sign_in_that_is_over_leads_to_the_app(
    app: SmartApp, consent: httpx.Response, end: Any, words: str, step: str
) -> None:
    end(app, consent)
    url, form = f"{app.base}/auth/{step}", hidden(consent)
    page = app.browser.get(url, params={"request": form["request"]})
    assert page.status_code == 400
    posted = app.browser.post(url, data=form | ALLOW | {"username": "maria", "password": "maria-pass"})
    for told in (returning(app, page), app.callback(posted)):
        assert (told["error"], told["state"]) == ("access_denied", app.state)
        assert words in told["error_description"]
        assert told["iss"] == f"{app.base}/auth"
        assert "code" not in told


def test_it_never_leads_to_an_address_that_the_app_gave_up(app: SmartApp, make_app: MakeApp) -> None:
    metadata = {"redirect_uris": [app.redirect_uri], "token_endpoint_auth_method": "none"}
    client = app.http.post(f"{app.base}/auth/register", json=metadata).json()
    mine = make_app(client_id=client["client_id"])
    page = mine.follow(mine.authorize())
    bearer = {"Authorization": f"Bearer {client['registration_access_token']}"}
    moved = metadata | {"client_id": client["client_id"], "redirect_uris": ["https://app.example/cb"]}
    assert app.http.put(client["registration_client_uri"], json=moved, headers=bearer).status_code == 200
    answer = mine.submit(page, "maria")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize("step", ["login", "pick", "consent"])
def test_another_browser_gets_words_and_nothing_else(
    app: SmartApp, make_app: MakeApp, consent: httpx.Response, step: str
) -> None:
    send(app, consent, ALLOW)
    other = make_app()
    other.agree("maria")  # the same member, elsewhere
    form = hidden(other.follow(other.authorize())) | {"request": hidden(consent)["request"]} | ALLOW
    url = f"{app.base}/auth/{step}"
    for answer in (other.browser.get(url, params=form), other.browser.post(url, data=form)):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "Go back to the app and connect again" in answer.text
        assert app.state not in answer.text


def test_a_page_that_cannot_go_on_says_where_the_sign_in_does(at: Any) -> None:
    app = at("short-session")
    consent = app.follow(app.log_in("maria"))
    assert (
        app.browser.post(f"{app.base}/auth/consent", data={**hidden(consent), "csrf": "x"}).status_code == 403
    )
    app.control("clock", {"advance": "PT61S"})
    stale = send(app, consent, ALLOW)
    assert stale.status_code == 400
    link = html.unescape(re.findall(r'<a href="([^"]+)">Continue signing in</a>', stale.text)[0])
    back = app.decide(app.follow(app.submit(app.browser.get(link), "maria")), ALLOW)
    assert app.redeem(back["code"]).status_code == 200


def test_a_form_that_is_out_of_date_leads_to_a_new_one(app: SmartApp, consent: httpx.Response) -> None:
    stale = app.browser.post(f"{app.base}/auth/consent", data={**hidden(consent), **ALLOW, "csrf": "x"})
    assert stale.status_code == 403
    link = html.unescape(re.findall(r'<a href="([^"]+)">Continue signing in</a>', stale.text)[0])
    assert "code" in app.decide(app.browser.get(link), ALLOW)


# two tabs


def test_signing_in_in_one_tab_leaves_the_forms_of_the_other_good(app: SmartApp) -> None:
    tabs = [app.follow(app.authorize(state=state)) for state in ("first-tab", "second-tab")]
    pages = [app.follow(app.submit(tab, "maria")) for tab in tabs]
    for page, state in zip(pages, ("first-tab", "second-tab"), strict=True):
        told = app.decide(page, ALLOW)
        assert told["state"] == state
        assert app.redeem(told["code"]).status_code == 200


def test_another_member_in_one_tab_does_not_answer_for_the_first(app: SmartApp) -> None:
    tabs = [app.follow(app.authorize(state=state)) for state in ("first-tab", "second-tab")]
    first = app.follow(app.submit(tabs[0], "maria"))
    app.follow(app.submit(tabs[1], "walter"))
    answer = send(app, first, ALLOW)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "Continue signing in" in answer.text
