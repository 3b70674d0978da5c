"""Apps register themselves, by API and by page, and live with what the payer decides."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from support.smart_app import MakeApp, SmartApp
from unit.auth.keyring import claims, signed

from sandbox.apis.discovery import published
from sandbox.auth.authentication.assertion import TYPE
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.query import RESULT_PARAMS
from sandbox.store.ledger.quota import QUOTAS, Quota
from sandbox.web.rest import documentation

CB = "http://127.0.0.1:9876/callback"
METADATA = {
    "redirect_uris": [CB],
    "client_name": "Mine",
    "grant_types": ["authorization_code", "refresh_token"],
}


def proof_of(pair: ECKey, client: str, base: str) -> dict[str, str]:
    """The fields of a form that authenticate a client by its key."""
    now = int(time.time())
    said = claims(
        iss=client, sub=client, aud=f"{base}/auth/token", exp=now + 60, iat=now, jti=token_urlsafe()
    )
    return {"client_assertion_type": TYPE, "client_assertion": signed(said, pair)}


def register(base: str, **metadata: Any) -> httpx.Response:
    sent = {name: value for name, value in (METADATA | metadata).items() if value is not None}
    return httpx.post(f"{base}/auth/register", json=sent)


# by API


@pytest.mark.parametrize("grants", [None, ["authorization_code", "refresh_token"]])
def test_an_app_registers_and_connects(app: SmartApp, make_app: MakeApp, grants: list[str] | None) -> None:
    """Without naming grants, as the README shows, it gets lasting access too."""
    before = int(time.time())
    answer = register(app.base, grant_types=grants)
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    assert told["client_secret_expires_at"] == 0
    assert before <= told["client_id_issued_at"] <= time.time()
    mine = make_app(client_id=told["client_id"], secret=told["client_secret"]).connect("maria")
    assert "offline_access" in mine.tokens["scope"]
    assert mine.get("Coverage").status_code == 200
    assert mine.refresh().status_code == 200


def test_an_app_without_the_refresh_grant_is_promised_nothing(app: SmartApp, make_app: MakeApp) -> None:
    told = register(app.base, grant_types=["authorization_code"]).json()
    assert told["grant_types"] == ["authorization_code"]
    mine = make_app(client_id=told["client_id"], secret=told["client_secret"])
    page = mine.follow(mine.log_in("maria"))
    assert 'name="offline"' not in page.text
    token = mine.redeem(mine.decide(page, {"decision": "allow"})["code"]).json()
    assert "offline_access" not in token["scope"]
    assert "refresh_token" not in token


def test_no_redirect_uri_holds_what_the_answer_adds(app: SmartApp) -> None:
    uri = "http://127.0.0.1:9999/cb?state=x&code=y"
    assert register(app.base, redirect_uris=[uri]).json()["error"] == "invalid_redirect_uri"
    # `sandbox-app` registers none: what it asks with is held to the same rule.
    answer = app.authorize(redirect_uri=uri)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert app.authorize(redirect_uri="http://127.0.0.1:9999/cb?tenant=7").status_code == 303


def test_a_public_app_gets_no_secret(app: SmartApp, make_app: MakeApp) -> None:
    told = register(app.base, token_endpoint_auth_method="none").json()
    assert "client_secret" not in told
    assert make_app(client_id=told["client_id"]).connect("maria").get("Coverage").status_code == 200


def test_an_app_with_a_key_connects_with_it(app: SmartApp, make_app: MakeApp) -> None:
    pair = ECKey.generate_key("P-384", {"kid": "k1"}, private=True)
    jwks = {"keys": [pair.as_dict(private=False)]}
    told = register(app.base, token_endpoint_auth_method="private_key_jwt", jwks=jwks).json()
    id = told["client_id"]
    mine = make_app(client_id=id)
    code = mine.agree("maria")["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CB,
        "code_verifier": mine.verifier,
    }
    url = f"{mine.base}/auth/token"
    without = httpx.post(url, data=form | {"client_id": id})
    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    elsewhere = httpx.post(url, data=form | proof_of(pair, id, mine.base.partition("/s/")[0]))
    assert "aud" in elsewhere.json()["error_description"]
    proof = proof_of(pair, id, mine.base)
    assert httpx.post(url, data=form | proof).status_code == 200
    assert "jti" in httpx.post(url, data=form | proof).json()["error_description"]


def test_another_payer_does_not_know_it(app: SmartApp, make_app: MakeApp, origin: str) -> None:
    told = register(app.base).json()
    other = SmartApp(f"{origin}/s/rate-limited~elsewhere", told["client_id"], secret=told["client_secret"])
    with other:
        assert other.authorize().status_code == 400
        assert other.post("introspect", {"token": "x"}).status_code == 401
    uri = told["registration_client_uri"].replace(app.base, f"{origin}/s/rate-limited~elsewhere")
    token = {"Authorization": f"Bearer {told['registration_access_token']}"}
    assert httpx.get(uri, headers=token).status_code == 401


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (415, {"data": METADATA}),
        (415, {"content": json.dumps(METADATA)}),
        (415, {"content": json.dumps(METADATA), "headers": {"Content-Type": "text/plain"}}),
        (400, {"content": "{", "headers": {"Content-Type": "application/json"}}),
        (400, {"content": "", "headers": {"Content-Type": "application/json"}}),
        (413, {"json": METADATA | {"more": "x" * 65_536}}),
        (413, {"json": METADATA | {"more": "x" * 2_000_000}}),
        (
            201,
            {"content": json.dumps(METADATA), "headers": {"Content-Type": "application/json; charset=utf-8"}},
        ),
    ],
)
def test_the_body_is_json_of_a_modest_size(app: SmartApp, status: int, sent: dict[str, Any]) -> None:
    answer = httpx.post(f"{app.base}/auth/register", **sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert (status == 201) == ("client_id" in answer.json())
    assert (status != 201) == ("error" in answer.json())


def test_a_flood_of_registrations_is_slowed_down_where_it_comes_from(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's clock: whoever floods may move the payer's. Another session goes on."""
    monkeypatch.setitem(QUOTAS, "registration", Quota("registrations", 2, 1_000, 1_000))  # type: ignore[misc]
    app, other = make_app(), make_app("code-works-twice")
    answers = [register(app.base) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 300
    assert answers[2].headers["content-type"] == "application/json"
    assert answers[2].json()["error"] == "temporarily_unavailable"
    app.control("clock", {"advance": "PT1H"})
    assert register(app.base).status_code == 429
    assert register(other.base).status_code == 201


# the registration later (RFC 7592)


def managed(told: dict[str, Any], method: str, token: str | None = None, **sent: Any) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {told['registration_access_token'] if token is None else token}"}
    return httpx.request(method, told["registration_client_uri"], headers=bearer, **sent)


def test_a_registration_can_be_read_changed_and_deleted(app: SmartApp) -> None:
    told = register(app.base).json()
    read = managed(told, "GET").json()
    assert read == {k: v for k, v in told.items() if not k.startswith("client_secret")}
    sent = METADATA | {"client_id": told["client_id"], "redirect_uris": ["https://new.example/cb"]}
    assert managed(told, "PUT", json=sent).json()["redirect_uris"] == ["https://new.example/cb"]
    web = SmartApp(app.base, told["client_id"], "https://new.example/cb", told["client_secret"])
    with web:
        assert web.connect("maria").get("Coverage").status_code == 200
        assert managed(told, "DELETE").status_code == 204
        assert web.get("Coverage").status_code == 401
    assert managed(told, "GET").status_code == 401


def test_a_scenario_that_is_registered_later_loosens_nothing_granted_before(app: SmartApp) -> None:
    base = app.base.replace("/s/baseline~", "/s/~")
    told = register(base).json()
    with SmartApp(base, told["client_id"], CB, told["client_secret"]) as web:
        code = web.agree("maria")["code"]
        assert web.redeem(code).status_code == 200
        sent = METADATA | {"client_id": told["client_id"], "scenario": "code-works-twice"}
        assert managed(told, "PUT", json=sent).status_code == 200
        assert web.redeem(code).status_code == 400
        code = web.agree("maria")["code"]
        assert [web.redeem(code).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("token", ["x", "Bearer"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_registration_is_nobody_else_s(app: SmartApp, method: str, token: str) -> None:
    told, other = register(app.base).json(), register(app.base).json()
    for wrong in (token, other["registration_access_token"]):
        answer = managed(told, method, wrong, json=METADATA | {"client_id": told["client_id"]})
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["www-authenticate"]
    assert managed(told, "GET").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "sandbox-app"}, {"client_id": None}, {"token_endpoint_auth_method": "none"},
     {"client_secret": "x"}, {"client_secret": 7}, {"redirect_uris": []}],
)  # fmt: skip
def test_a_change_is_checked_as_a_registration_is(app: SmartApp, changes: dict[str, Any]) -> None:
    told = register(app.base).json()
    sent = METADATA | {"client_id": told["client_id"]} | changes
    assert managed(told, "PUT", json=sent).status_code == 400
    assert managed(told, "GET").json()["redirect_uris"] == [CB]


# what the payer decides


def test_a_suspended_app_is_cut_off_everywhere(app: SmartApp, make_app: MakeApp) -> None:
    told = register(app.base).json()
    mine = make_app(client_id=told["client_id"], secret=told["client_secret"]).connect("maria")
    decided = app.control(f"clients/{mine.client_id}", {"state": "suspended", "criterion": "token-misuse"})
    assert decided.json()["client_state"] == "suspended"
    page = mine.authorize()
    assert (page.status_code, page.is_redirect) == (400, False)
    assert "text/html" in page.headers["content-type"]
    assert "suspended" in page.text
    assert "token-misuse" in page.text
    answer = mine.refresh()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "token-misuse" in answer.json()["error_description"]
    refused = mine.get("Coverage")
    assert refused.status_code == 401
    assert refused.json()["resourceType"] == "OperationOutcome"
    assert mine.post("introspect", {"token": "x"}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [{}, [], "x", {"state": "denied"}, {"state": "denied", "criterion": "no-attestation"}, {"state": "gone"},
     {"state": "approved", "criterion": "malware"}, {"state": "approved", "more": 1},
     {"rotate_secret": "soon"}, {"rotate_secret": "at-once", "state": "approved"},
     {"rotate_secret": "at-once"}],
)  # fmt: skip
def test_a_decision_that_cannot_be_understood_changes_nothing(app: SmartApp, body: object) -> None:
    answer = app.control("clients/sandbox-app", body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid"
    assert app.control("clients/sandbox-app").json()["client_state"] == "approved"


def test_the_control_api_lists_clients_and_criteria(app: SmartApp) -> None:
    told = register(app.base).json()
    listed = app.control("clients").json()
    assert {"sandbox-app", "sandbox-backend", told["client_id"]} <= {
        c["client_id"] for c in listed["clients"]
    }
    assert "malware" in listed["criteria"]
    assert app.control("clients/nobody").status_code == 404
    assert app.control("clients/nobody", {"state": "approved"}).status_code == 404


def test_a_secret_is_rotated_by_control(app: SmartApp) -> None:
    told = register(app.base).json()
    id, path = told["client_id"], f"clients/{told['client_id']}"

    def works(secret: str) -> bool:
        with SmartApp(app.base, id, secret=secret) as it:
            return it.post("introspect", {"token": "x"}).status_code == 200

    new = app.control(path, {"rotate_secret": "with-notice"}).json()
    assert new["old_secret_until"]
    assert works(told["client_secret"])
    assert works(new["client_secret"])
    app.control("clock", {"advance": "P31D"})
    assert not works(told["client_secret"])
    last = app.control(path, {"rotate_secret": "at-once"}).json()["client_secret"]
    assert not works(new["client_secret"])
    assert works(last)


def test_where_somebody_decides_an_app_waits(at: Any) -> None:
    payer = at("approves-apps")
    told = register(payer.base).json()
    assert told["client_state"] == "submitted"
    mine = at("approves-apps", client_id=told["client_id"], secret=told["client_secret"])
    assert "submitted" in mine.authorize().text
    payer.control(f"clients/{mine.client_id}", {"state": "denied", "criterion": "no-tls"})
    assert "no-tls" in mine.authorize().text
    payer.control(f"clients/{mine.client_id}", {"state": "approved"})
    assert mine.connect("maria").get("Coverage").status_code == 200


def test_a_payer_that_is_closed_registers_nobody(at: Any) -> None:
    base = at("closed-registration").base
    answer = register(base)
    assert (answer.status_code, "client_id" in answer.json()) == (404, False)
    assert "manually" in httpx.get(f"{base}/developer/register").text
    form = {"client_name": "x", "kind": "public", "redirect_uris": CB}
    assert httpx.post(f"{base}/developer/register", data=form).status_code == 403


# by page


@pytest.fixture
def site(app: SmartApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{app.base}/developer") as found:
        yield found


FORM = {"client_name": "Page <b>App", "kind": "secret", "redirect_uris": f"{CB}\r\nhttps://app.example/cb"}


def told_on(page: httpx.Response) -> tuple[str, str, str]:
    """Client id, secret and management token as the page shows them."""
    id = re.search(r"<code>(app-[^<]+)</code>", page.text)
    secret = re.search(r"<p><code>([^<]+)</code></p>", page.text)
    key = re.search(r'name="key" value="([^"]+)"', page.text)
    assert id
    return id[1], secret[1] if secret else "", key[1] if key else ""


def test_a_person_registers_an_app_and_it_connects(site: httpx.Client, make_app: MakeApp) -> None:
    page = site.post("register", data=FORM)
    assert page.status_code == 201
    assert "Page &lt;b&gt;App" in page.text
    assert "<b>App" not in page.text
    id, secret, key = told_on(page)
    assert make_app(client_id=id, secret=secret).connect("maria").get("Coverage").status_code == 200
    again = site.get(f"apps/{id}", params={"key": key})
    assert again.status_code == 200
    assert secret not in again.text
    assert site.post("apps", data={"client_id": id, "key": key}).status_code == 200


def test_the_secret_is_rotated_by_page(site: httpx.Client, app: SmartApp) -> None:
    id, old, key = told_on(site.post("register", data=FORM))
    page = site.post(f"apps/{id}/secret", data={"key": key, "when": "notice"})
    new = told_on(page)[1]
    assert "works until" in page.text
    last = told_on(site.post(f"apps/{id}/secret", data={"key": key, "when": "now"}))[1]
    assert len({old, new, last}) == 3
    for secret, status in ((old, 401), (new, 401), (last, 200)):
        with SmartApp(app.base, id, secret=secret) as it:
            assert it.post("introspect", {"token": "x"}).status_code == status


def test_keys_are_replaced_by_page(site: httpx.Client, app: SmartApp) -> None:
    pairs = [ECKey.generate_key("P-384", {"kid": kid}, private=True) for kid in ("one", "two")]
    sets = [json.dumps({"keys": [pair.as_dict(private=False)]}) for pair in pairs]
    id, secret, key = told_on(site.post("register", data=FORM | {"kind": "key", "jwks": sets[0]}))
    assert secret == ""

    def works(pair: ECKey) -> bool:
        form = {"token": "x", **proof_of(pair, id, app.base)}
        return httpx.post(f"{app.base}/auth/introspect", data=form).status_code == 200

    assert (works(pairs[0]), works(pairs[1])) == (True, False)
    private = json.dumps({"keys": [pairs[1].as_dict(private=True)]})
    for bad in (private, "{", "", '{"keys": []}'):
        page = site.post(f"apps/{id}/keys", data={"key": key, "jwks": bad})
        assert page.status_code == 400
        assert "not replaced" in page.text
    assert site.post(f"apps/{id}/keys", data={"key": key, "jwks": sets[1]}).status_code == 200
    assert (works(pairs[0]), works(pairs[1])) == (False, True)
    assert site.post(f"apps/{id}/secret", data={"key": key}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"redirect_uris": "http://evil.example/cb"}, "loopback"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"kind": "king"}, "kind of app"),
        ({"kind": "key"}, "jwks"),
        ({"kind": "key", "jwks": "{"}, "JSON"),
        ({"kind": "key", "jwks": "{}", "jwks_uri": "https://a.example"}, "not both"),
        ({"kind": "backend", "redirect_uris": ""}, "scope"),
        ({"client_name": " "}, "name"),
        ({"scope": "everything"}, "scope"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again_with_the_reason(
    site: httpx.Client, changes: dict[str, str], says: str
) -> None:
    page = site.post("register", data=FORM | changes)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert says in page.text
    assert "client secret" not in page.text.partition("role")[0]


def test_a_form_without_end_is_refused(site: httpx.Client) -> None:
    assert site.post("register", data=FORM | {"jwks": "x" * 100_000}).status_code == 413


@pytest.mark.parametrize("path", ["register", "apps", "apps/x/secret", "apps/x/keys"])
def test_a_form_of_another_site_is_refused(site: httpx.Client, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert site.post(path, data=FORM, headers=headers).status_code == 403


@pytest.mark.parametrize("key", ["", "x"])
def test_an_app_s_page_opens_with_its_key_only(site: httpx.Client, key: str) -> None:
    id, _, _ = told_on(site.post("register", data=FORM))
    assert site.get(f"apps/{id}", params={"key": key}).status_code == 404
    assert site.post("apps", data={"client_id": id, "key": key}).status_code == 404
    assert site.post(f"apps/{id}/secret", data={"key": key}).status_code == 404
    assert site.get("apps/sandbox-web", params={"key": key}).status_code == 404


@pytest.mark.parametrize("payer", ["portal-by-email", "no-developer-portal"])
def test_a_payer_without_a_portal_hides_the_whole_site(at: Any, payer: str) -> None:
    base = at(payer).base
    for path in ("developer", "developer/docs", "developer/register", "developer/apps"):
        assert httpx.get(f"{base}/{path}").status_code == 404
    assert httpx.get(f"{base}/member/education").status_code == 200


# what is told


def test_the_documentation_follows_the_tables() -> None:
    assert set(documentation.RESULTS) == RESULT_PARAMS
    kinds = {param.kind for row in TYPES.values() for param in row.params}
    assert set(documentation.VALUES) == kinds


def test_the_documentation_is_public_and_names_every_parameter(app: SmartApp, site: httpx.Client) -> None:
    page = site.get("docs")
    assert page.status_code == 200
    for operation in published()["smart"].operations:
        assert not operation.summary or operation.summary in unescape(page.text)
    for resource in app.get("metadata").json()["rest"][0]["resource"]:
        section = page.text.split(f'<h3 id="{resource["type"]}">')[1].split("<h3")[0]
        for param in resource["searchParam"]:
            assert f"<code>{param['name']}</code></td><td>{param['type']}" in section
        for profile in resource.get("supportedProfile", []):
            assert profile in section
        for include in resource.get("searchInclude", []):
            assert include.endswith("*") or include in section
    for said in ("invalid_client_metadata", "Retry-After", "private_key_jwt", "malware"):
        assert said in page.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_members_are_told_what_to_know_before_they_share(app: SmartApp, language: str) -> None:
    page = httpx.get(f"{app.base}/member/education", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text
    for said in ("HIPAA", "FTC", "OCR", "hhs.gov", "reportfraud.ftc.gov"):
        assert said in page.text
    assert "<form" not in page.text
    assert ("secondary uses" in page.text) == (language == "en")
    assert ("usos secundarios" in page.text) == (language == "es")
