"""Sessions, the picker, consent in parts, eligibility, throttling: what members meet on the way."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from support.smart_app import WEB, MakeApp, SmartApp, hidden


def ticked(page: httpx.Response, *without: str) -> dict[str, Any]:
    """The consent form as a browser sends it: what is ticked, but for some."""
    classes = re.findall(r'name="data" id="[^"]+" value="([^"]+)" checked', page.text)
    offline = {} if "offline" in without or 'name="offline"' not in page.text else {"offline": "yes"}
    return {"decision": "share", "data": [c for c in classes if c not in without], **offline}


def told(answer: httpx.Response) -> dict[str, str]:
    parts = urlsplit(answer.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))


# sessions


def test_a_session_serves_portal_and_apps_until_it_ends(app: SmartApp) -> None:
    app.agree("maria")
    assert "Hello, Maria" in app.browser.get(f"{app.base}/portal").text
    page = app.follow(app.authorize())
    assert page.url.path.endswith("/auth/consent")
    app.control("clock", {"advance": "PT61M"})
    assert "Hello" not in app.browser.get(f"{app.base}/portal").text
    assert app.follow(app.authorize()).url.path.endswith("/auth/login")


def test_a_cookie_that_somebody_made_up_is_replaced(make_app: MakeApp) -> None:
    app, other = make_app(), make_app()
    other.authorize()
    name, _ = other.session_cookie()
    app.browser.cookies.set(name, "x" * 43, path=httpx.URL(app.base).path + "/")
    assert f"{name}=" in app.authorize().headers["set-cookie"]


@pytest.mark.parametrize("form", [{}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "é"}])
def test_forms_need_the_token_of_the_session(app: SmartApp, form: dict[str, str]) -> None:
    page = app.follow(app.authorize())
    credentials = {"username": "maria", "password": "maria-pass"}
    given = {"request": hidden(page)["request"], **form}
    assert app.browser.post(f"{app.base}/auth/login", data=given | credentials).status_code == 403
    assert app.browser.post(f"{app.base}/portal/login", data=form | credentials).status_code == 403
    consent = app.follow(app.browser.post(f"{app.base}/auth/login", data=hidden(page) | credentials))
    given = {"request": hidden(consent)["request"], **form, "decision": "allow"}
    assert app.browser.post(f"{app.base}/auth/consent", data=given).status_code == 403


def test_a_consent_page_of_one_member_is_dead_once_another_signs_in(app: SmartApp) -> None:
    consent = app.follow(app.log_in("maria"))
    form = hidden(app.browser.get(f"{app.base}/auth/login?{consent.url.query.decode()}"))
    app.browser.post(f"{app.base}/auth/login", data=form | {"username": "walter", "password": "walter-pass"})
    stale = app.browser.post(f"{app.base}/auth/consent", data=hidden(consent) | {"decision": "allow"})
    assert stale.status_code == 403


def test_no_page_leads_anywhere_by_a_parameter(app: SmartApp) -> None:
    evil = {"next": "https://evil.example", "redirect": "//evil.example", "return_to": "https://evil.example"}
    page = app.browser.get(f"{app.base}/portal", params=evil)
    form = hidden(page) | {"username": "maria", "password": "maria-pass"} | evil
    answer = app.browser.post(f"{app.base}/portal/login", params=evil, data=form)
    assert answer.headers["location"] == f"{app.base}/portal"
    assert "evil" not in app.authorize(next="https://evil.example").headers["location"]


# prompt


def test_prompt_none_needs_a_session_and_an_earlier_yes(app: SmartApp) -> None:
    assert app.callback(app.authorize(prompt="none"))["error"] == "login_required"
    app.decide(app.follow(app.log_in("maria")), {"decision": "deny"})
    assert app.callback(app.authorize(prompt="none"))["error"] == "consent_required"
    app.agree("maria")
    back = app.callback(app.authorize(prompt="none"))
    assert back["state"] == app.state
    assert app.redeem(back["code"]).json()["scope"] == app.scope
    more = app.callback(app.authorize(prompt="none", scope=f"{app.scope} user/*.rs"))
    assert more["error"] == "consent_required"
    less = app.callback(app.authorize(prompt="none", scope="openid patient/Coverage.rs"))
    assert app.redeem(less["code"]).json()["scope"] == "openid patient/Coverage.rs"
    assert app.callback(app.authorize(prompt="none", max_age="0", state="x"))["state"] == "x"


def test_an_ended_grant_is_no_earlier_yes(app: SmartApp) -> None:
    app.agree("maria")
    page = app.browser.get(f"{app.base}/portal")
    app.browser.post(f"{app.base}/portal/revoke", data=hidden(page))
    assert app.callback(app.authorize(prompt="none"))["error"] == "consent_required"


def test_prompt_none_does_not_guess_whose_data_is_meant(app: SmartApp) -> None:
    page = app.follow(app.log_in("family"))
    children = re.findall(r'name="patient"[^>]* value="([^"]+)"', page.text)
    app.decide(app.choose(page, children[1]), {"decision": "allow"})
    back = app.callback(app.authorize(prompt="none"))
    assert app.redeem(back["code"]).json()["patient"] == children[1]
    app.decide(app.choose(app.authorize(), children[0]), {"decision": "allow"})
    assert app.callback(app.authorize(prompt="none"))["error"] == "interaction_required"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}])
def test_a_session_may_not_be_enough(app: SmartApp, changes: dict[str, str]) -> None:
    app.agree("maria")
    assert app.follow(app.authorize()).url.path.endswith("/auth/consent")
    app.control("clock", {"advance": "PT2M"})
    page = app.follow(app.authorize(**changes))
    assert page.url.path.endswith("/auth/login")
    skipped = app.browser.get(str(page.url).replace("/login?", "/consent?"))
    assert skipped.status_code == 400


# id_token_hint


def test_prompt_none_answers_the_member_of_the_hint_only(make_app: MakeApp) -> None:
    """OpenID Connect Core §3.1.2.2: no code for another member than the one who is asked for."""
    app, other = make_app().connect("maria"), make_app().connect("walter")
    app.agree("maria")
    own, foreign = app.tokens["id_token"], other.tokens["id_token"]
    assert "code" in app.callback(app.authorize(prompt="none", id_token_hint=own))
    answer = app.callback(app.authorize(prompt="none", id_token_hint=foreign))
    assert (answer["error"], answer["state"]) == ("login_required", app.state)


def test_a_hint_stays_good_when_it_and_its_key_have_expired(app: SmartApp) -> None:
    app.connect("maria")
    app.control("keys/rotate", {})
    app.control("clock", {"advance": "P2D"})
    app.agree("maria")
    hint = app.tokens["id_token"]
    assert "code" in app.callback(app.authorize(prompt="none", id_token_hint=hint))


def test_another_member_is_asked_to_sign_in_and_cannot_answer_for_the_one_of_the_hint(
    make_app: MakeApp,
) -> None:
    app, other = make_app(), make_app().connect("walter")
    app.agree("maria")
    hint = other.tokens["id_token"]
    page = app.follow(app.authorize(id_token_hint=hint))
    assert page.url.path.endswith("/auth/login")
    assert told(app.submit(page, "maria"))["error"] == "login_required"
    assert "code" in app.agree("walter", prompt="login", id_token_hint=hint)


@pytest.mark.parametrize("hint", ["x", "a.b.c", "e30.e30.", "ey\u00e9.x.y"])
def test_what_is_no_id_token_of_the_payer_is_refused_as_a_hint(app: SmartApp, hint: str) -> None:
    answer = app.callback(app.authorize(prompt="none", id_token_hint=hint))
    assert answer["error"] == "invalid_request"
    assert "id_token_hint" in answer["error_description"]


# when the member signed in


def auth_time(app: SmartApp, tokens: dict[str, Any]) -> int:
    keys = KeySet.import_key_set(httpx.get(f"{app.base}/auth/jwks").json())
    return int(jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims["auth_time"])


def test_the_id_token_says_when_the_member_signed_in(app: SmartApp) -> None:
    """Whatever happens later: an earlier session, another app, a refresh."""
    before = int(time.time())
    first = app.redeem(app.agree("maria", max_age="600")["code"]).json()
    signed_in = auth_time(app, first)
    assert before <= signed_in <= time.time()
    app.control("clock", {"advance": "PT5M"})
    page = app.follow(app.authorize(max_age="600"))
    assert page.url.path.endswith("/auth/consent")
    app.tokens = app.redeem(app.decide(page, {"decision": "allow"})["code"]).json()
    assert auth_time(app, app.tokens) == signed_in
    silent = app.redeem(app.callback(app.authorize(prompt="none", max_age="600"))["code"]).json()
    assert auth_time(app, silent) == signed_in
    app.control("clock", {"advance": "PT30M"})
    assert app.refresh().status_code == 200
    assert auth_time(app, app.tokens) == signed_in
    assert app.callback(app.authorize(prompt="none", max_age="600"))["error"] == "login_required"
    again = app.redeem(app.agree("maria", max_age="600")["code"]).json()
    assert auth_time(app, again) >= signed_in + 35 * 60


# whose data


def test_a_subscriber_shares_the_data_of_a_child_as_the_childs_relative(app: SmartApp) -> None:
    page = app.follow(app.log_in("family"))
    assert "Tomas" not in page.text  # an adult on the same policy signs in alone
    child = re.findall(r'value="([^"]+)"[^>]*><label[^>]*>Ella', page.text)[0]
    consent = app.choose(page, child)
    assert "Ella Nguyen" in consent.text
    token = app.redeem(app.decide(consent, {"decision": "allow"})["code"]).json()
    app.tokens = token
    assert token["patient"] == child
    keys = KeySet.import_key_set(httpx.get(f"{app.base}/auth/jwks").json())
    user = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims["fhirUser"]
    relative = app.get(user).json()
    assert relative["resourceType"] == "RelatedPerson"
    assert relative["patient"]["reference"] == f"Patient/{child}"
    assert app.get(f"Patient/{child}").json()["name"][0]["given"] == ["Ella"]
    assert "Ella Nguyen" in app.browser.get(f"{app.base}/portal").text


def test_nobody_picks_a_patient_who_is_not_in_their_list(app: SmartApp) -> None:
    page = app.follow(app.log_in("family"))
    for patient in ("mbr-0001", "", "mbr-9999", "' or 1=1"):
        form = hidden(page) | {"patient": patient}
        assert app.browser.post(f"{app.base}/auth/pick", data=form).status_code == 400
    early = app.browser.post(f"{app.base}/auth/consent", data=hidden(page) | {"decision": "allow"})
    assert early.status_code == 400


def test_without_a_patient_in_the_scopes_nobody_is_picked(app: SmartApp) -> None:
    page = app.follow(app.log_in("family", scope="openid"))
    assert page.url.path.endswith("/auth/consent")
    assert "does not ask for health data" in page.text
    answer = app.redeem(app.decide(page, {"decision": "allow"})["code"]).json()
    assert "patient" not in answer


def test_the_scope_that_opens_the_members_own_record_is_asked_as_such(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria", scope="openid fhirUser"))
    assert "Name, date of birth" in page.text
    assert "does not ask for health data" not in page.text


def test_a_child_of_age_leaves_the_list(app: SmartApp) -> None:
    app.control("clock", {"advance": "P4380D"})  # twelve years
    page = app.follow(app.log_in("family"))
    assert "Ella" not in page.text
    assert "Iris" in page.text


def test_a_representative_shares_for_the_one_they_represent(app: SmartApp) -> None:
    page = app.follow(app.log_in("representative"))
    assert page.url.path.endswith("/auth/consent")
    assert "Carol Larkin-Boyd" in page.text
    assert "Edith Larkin" in page.text
    app.redeem(app.decide(page, {"decision": "allow"})["code"])
    assert "data of Edith Larkin" in app.browser.get(f"{app.base}/portal").text


# consent in parts


def test_a_member_drops_some_classes_and_the_token_says_so(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria"))
    back = app.decide(page, ticked(page, "claims", "demographics"))
    app.tokens = app.redeem(back["code"]).json()
    granted = app.tokens["scope"].split()
    assert "patient/*.rs" not in granted
    assert {"openid", "launch/patient", "offline_access", "patient/Coverage.rs"} <= set(granted)
    assert app.get("Coverage").status_code == 200
    for path in ("ExplanationOfBenefit", f"Patient/{app.patient}"):
        assert app.get(path).status_code == 403
    assert app.refresh(scope="patient/*.rs").json()["error"] == "invalid_scope"


def test_everything_ticked_is_what_was_asked(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria"))
    answer = app.redeem(app.decide(page, ticked(page))["code"]).json()
    assert answer["scope"] == app.scope


def test_lasting_access_can_be_declined_alone(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria"))
    answer = app.redeem(app.decide(page, ticked(page, "offline"))["code"]).json()
    assert "offline_access" not in answer["scope"]
    assert "refresh_token" not in answer


def test_access_for_one_session_needs_no_tick(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria", scope="launch/patient online_access patient/*.rs"))
    assert 'name="offline"' not in page.text
    answer = app.redeem(app.decide(page, ticked(page))["code"]).json()
    assert "online_access" in answer["scope"]
    assert "refresh_token" in answer


def test_nothing_ticked_is_a_no(app: SmartApp) -> None:
    page = app.follow(app.log_in("maria"))
    back = app.decide(page, {"decision": "share"})
    assert back["error"] == "access_denied"
    assert "none of the data" in back["error_description"]


@pytest.mark.parametrize("data", [["everything"], ["claims", "../x"], ["patient/*.rs", "coverage"]])
def test_a_form_cannot_ask_for_more_than_the_app(app: SmartApp, data: list[str]) -> None:
    page = app.follow(app.log_in("maria", scope="patient/Coverage.rs"))
    back = app.decide(page, {"decision": "share", "data": data, "offline": "yes"})
    if "error" not in back:
        assert app.redeem(back["code"]).json()["scope"] == "patient/Coverage.rs"


# eligibility


@pytest.mark.parametrize(
    ("payer", "member", "words"),
    [
        ("waits", "maria", "too recently"),
        ("guardians", "lucas", "parent or guardian"),
        ("guardians", "twin-one", "parent or guardian"),
        ("approves", "maria", "not approved"),
    ],
)
def test_each_policy_refuses_on_the_callback(at: Any, payer: str, member: str, words: str) -> None:
    back = at(payer).agree(member)
    assert back["error"] == "access_denied"
    assert words in back["error_description"]


def test_a_guardian_connects_for_a_minor_who_may_not(at: Any) -> None:
    app = at("guardians")
    page = app.follow(app.log_in("family"))
    child = re.findall(r'value="([^"]+)"[^>]*><label[^>]*>Ella', page.text)[0]
    assert "code" in app.decide(app.choose(page, child), {"decision": "allow"})


def test_the_payer_approves_and_locks_through_the_control_api(at: Any) -> None:
    app = at("approves")
    assert app.agree("maria")["error"] == "access_denied"
    assert "not approved" in app.browser.get(f"{app.base}/portal").text
    assert app.control("members/maria", {"approved": True}).json()["refusal"] is None
    assert "code" in app.agree("maria")
    assert app.control("members/maria", {"locked": True}).json()["refusal"] == "locked"
    assert "locked" in app.agree("maria")["error_description"]
    assert app.control("members/maria", {"locked": False, "approved": False}).status_code == 200
    assert app.agree("maria")["error"] == "access_denied"


@pytest.mark.parametrize("body", [{}, [], {"locked": "yes"}, {"locked": None}, {"rich": True}, 7, "x"])
def test_the_control_api_takes_known_marks_only(app: SmartApp, body: object) -> None:
    assert app.control("members/maria", body).status_code == 400
    assert app.control("members/nobody", {"locked": True}).status_code == 404


def test_the_payer_says_it_on_a_page(at: Any) -> None:
    answer = at("says-it-on-a-page").log_in("nina")
    assert answer.status_code == 403
    assert "no active coverage" in answer.text
    assert "location" not in answer.headers


def test_a_member_switches_sharing_off_and_on(app: SmartApp) -> None:
    app.agree("maria")
    page = app.browser.get(f"{app.base}/portal")
    app.browser.post(f"{app.base}/portal/opt-out", data=hidden(page))
    assert "Sharing is off" in app.browser.get(f"{app.base}/portal").text
    assert "not switched on" in app.agree("maria")["error_description"]
    page = app.browser.get(f"{app.base}/portal")
    app.browser.post(f"{app.base}/portal/opt-in", data=hidden(page))
    assert "code" in app.agree("maria")


# throttling


def test_guessing_has_to_wait_and_a_right_password_too(at: Any) -> None:
    app = at("patient")
    assert [app.log_in("maria", "guess").status_code for _ in range(4)] == [400, 400, 400, 429]
    answer = app.log_in("maria")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 120
    form = hidden(app.browser.get(f"{app.base}/portal")) | {"username": "maria", "password": "maria-pass"}
    assert app.browser.post(f"{app.base}/portal/login", data=form).status_code == 429
    assert app.log_in("walter").status_code == 303
    app.control("clock", {"advance": "PT121S"})
    assert app.log_in("maria").status_code == 303


def test_a_right_password_forgets_the_wrong_ones_of_that_name(at: Any) -> None:
    app = at("patient")
    for _ in range(2):
        assert [app.log_in("maria", "guess").status_code for _ in range(2)] == [400, 400]
        assert app.log_in("maria").status_code == 303


def test_an_unknown_name_looks_like_a_wrong_password(make_app: MakeApp) -> None:
    pages = []
    for name in ("maria", "nobody"):
        app = make_app()
        answer = app.log_in(name, "wrong")
        text = re.sub(r'value="[^"]*"|request=[\w-]+', "", answer.text)
        pages.append((answer.status_code, text))
    assert pages[0] == pages[1]


# the request itself


def test_the_state_is_echoed_byte_for_byte(app: SmartApp) -> None:
    form = app.request(prompt="none")
    del form["state"]
    for raw in ("%FF%FE%00", "a%20b%2Bc", "%C3%B1%E2%86%92", "%80abc"):
        query = "&".join(f"{k}={httpx.QueryParams({k: v})[k]}" for k, v in form.items())
        answer = app.browser.get(f"{app.base}/auth/authorize?{query}&state={raw}")
        sent = re.findall(r"[?&]state=([^&]*)", answer.headers["location"])[0]
        assert sent.replace("+", "%20") == raw
        body = str(httpx.QueryParams(form)) + f"&state={raw}"
        posted = app.browser.post(
            f"{app.base}/auth/authorize",
            content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert posted.status_code == 303
        assert re.findall(r"[?&]state=([^&]*)", posted.headers["location"])[0].replace("+", "%20") == raw


# pushed requests


def push(app: SmartApp, **changes: str | None) -> httpx.Response:
    return app.post("par", app.request(**changes))


def use(app: SmartApp, uri: str, **changes: str) -> httpx.Response:
    asked = {"client_id": app.client_id, "request_uri": uri} | changes
    return app.browser.get(f"{app.base}/auth/authorize", params=asked)


@pytest.fixture
def web(make_app: MakeApp) -> SmartApp:
    return make_app(**WEB)


@pytest.mark.parametrize("kind", ["app", "web"])
def test_a_pushed_request_is_a_request(request: pytest.FixtureRequest, kind: str) -> None:
    app: SmartApp = request.getfixturevalue(kind)
    pushed = push(app)
    assert pushed.status_code == 201
    assert pushed.headers["cache-control"] == "no-store"
    assert pushed.json()["expires_in"] == 60
    # What stands beside the name does not count (RFC 9126 §4).
    page = app.follow(use(app, pushed.json()["request_uri"], scope="openid", state="other"))
    form = hidden(page) | {"username": "maria", "password": "maria-pass"}
    back = app.decide(
        app.follow(app.browser.post(f"{app.base}/auth/login", data=form)), {"decision": "allow"}
    )
    assert back["state"] == app.state
    assert app.redeem(back["code"]).json()["scope"] == app.scope


def test_a_name_works_once_for_its_client_for_a_minute(app: SmartApp, web: SmartApp) -> None:
    uri = push(app).json()["request_uri"]
    assert use(app, uri, client_id="sandbox-web").status_code == 400
    assert use(app, uri).status_code == 303
    assert use(app, uri).status_code == 400
    late = push(app).json()["request_uri"]
    app.control("clock", {"advance": "PT61S"})
    answer = use(app, late)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_pushed_request_is_checked_at_once(
    app: SmartApp, changes: dict[str, str | None], error: str
) -> None:
    answer = push(app, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_only_the_client_itself_pushes(app: SmartApp, web: SmartApp) -> None:
    web.secret = "wrong"
    answer = push(web)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in answer.headers
    assert app.http.post(f"{app.base}/auth/par", data={"scope": "openid"}).status_code == 401
    assert app.http.post(f"{app.base}/auth/par", json={}).json()["error"] == "invalid_request"
    twice = app.http.post(f"{app.base}/auth/par", data={"client_id": ["sandbox-app", "sandbox-app"]})
    assert twice.status_code in (400, 401)


def test_a_payer_may_insist_on_pushed_requests(at: Any) -> None:
    app = at("pushed-only")
    assert told(app.authorize())["error"] == "invalid_request"
    assert use(app, push(app).json()["request_uri"]).status_code == 303
    assert app.get(".well-known/smart-configuration").json()["require_pushed_authorization_requests"] is True
    other = at("no-par")
    assert push(other).status_code == 404
    refused = told(other.authorize(request_uri="urn:ietf:params:oauth:request_uri:x"))
    assert refused["error"] == "request_uri_not_supported"
