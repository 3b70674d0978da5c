"""Every refusal names its cause in the journal, and says there why it happened and how to repair it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from support.backend import CLIENT, assertion, form
from support.smart_app import MakeApp, SmartApp, hidden

from sandbox.apis.discovery import published
from sandbox.web.causes import files_of_causes, load_causes

CAUSES = load_causes(files_of_causes(published()))

Mistake = Callable[[SmartApp], object]


def refused_entries(app: SmartApp) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = app.control("journal?refused=true").json()["entries"]
    return entries


def read(path: str, **headers: str) -> Mistake:
    """Read below the FHIR base with a token of maria's."""
    return lambda app: app.connect("maria").get(path, **headers)


def authorize(**changes: str | None) -> Mistake:
    return lambda app: app.authorize(**changes)


def post_resource(path: str, body: object, media_type: str = "application/fhir+json") -> Mistake:
    def post(app: SmartApp) -> None:
        token = app.connect("maria").tokens["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
        app.http.post(f"{app.base}/fhir{path}", json=body, headers=headers)

    return post


def post_form(path: str, form: Mapping[str, str], **headers: str) -> Mistake:
    return lambda app: app.http.post(f"{app.base}{path}", data=form, headers=headers)


def decide(member: str, **marks: bool) -> Mistake:
    return lambda app: app.control(f"members/{member}", marks)


def suspend(app: SmartApp) -> None:
    app.control("clients/sandbox-app", {"state": "suspended", "criterion": "token-misuse"})


def advance(app: SmartApp, duration: str) -> None:
    app.control("clock", {"advance": duration})


def redeem_code(**changes: str) -> Mistake:
    return lambda app: app.redeem(app.agree("maria")["code"], **changes)


def redeem_twice(app: SmartApp) -> None:
    code = app.agree("maria")["code"]
    app.redeem(code)
    app.redeem(code)


def redeem_late(app: SmartApp) -> None:
    code = app.agree("maria")["code"]
    advance(app, "PT1H")
    app.redeem(code)


def refresh_twice(app: SmartApp) -> None:
    old = app.connect("maria").tokens["refresh_token"]
    app.refresh()
    app.refresh(refresh_token=old)


def connect_and(*steps: Mistake) -> Mistake:
    def run(app: SmartApp) -> None:
        app.connect("maria")
        for step in steps:
            step(app)

    return run


def revoke(kind: str) -> Mistake:
    return lambda app: app.post("revoke", {"token": app.tokens[kind]})


def read_outside_the_scope(app: SmartApp) -> None:
    """Read a vital sign with a token for laboratory results."""
    bundle = app.connect("maria").get("Observation?category=vital-signs&_count=1").json()
    app.scope = "launch/patient patient/Observation.rs?category=laboratory"
    app.connect("maria").get(f"Observation/{bundle['entry'][0]['resource']['id']}")


def read_with_small_scope(app: SmartApp) -> None:
    app.scope = "launch/patient patient/Patient.rs"
    app.connect("maria").get("Coverage")


def follow_old_page(app: SmartApp) -> None:
    links = app.connect("maria").get("ExplanationOfBenefit?_count=1").json()["link"]
    advance(app, "PT30M")
    app.refresh()
    advance(app, "PT50M")
    app.refresh()
    app.get(next(link["url"] for link in links if link["relation"] == "next"))


def push_twice(app: SmartApp) -> None:
    body = urlencode([*app.request().items(), ("scope", "openid")])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    app.http.post(f"{app.base}/auth/par", content=body, headers=headers)


def sign_in_elsewhere(app: SmartApp) -> None:
    """Carry a page of the sign-in to another browser."""
    page = app.follow(app.authorize())
    app.http.get(str(page.url))


def post_login(app: SmartApp, *, csrf: str = "", **headers: str) -> None:
    page = app.follow(app.authorize())
    form = hidden(page) | {"username": "maria", "password": "maria-pass"} | ({"csrf": csrf} if csrf else {})
    app.browser.post(f"{app.base}/auth/login", data=form, headers=headers)


def post_portal(path: str, form: Mapping[str, str]) -> Mistake:
    def post(app: SmartApp) -> None:
        page = app.browser.get(f"{app.base}/portal")
        app.browser.post(f"{app.base}/portal/{path}", data=hidden(page) | form)

    return post


def revoke_at_the_portal(app: SmartApp) -> None:
    post_portal("login", {"username": "maria", "password": "maria-pass"})(app)
    post_portal("revoke", {"grant": "not-an-id"})(app)


def get_patient(app: SmartApp) -> None:
    app.get("Patient")


def ask_for_an_unregistered_scope(app: SmartApp) -> None:
    token_url = f"{app.base}/auth/token"
    app.http.post(token_url, data=form(assertion(token_url), "system/Nonsense.rs"))


_TRANSACTION = {"resourceType": "Bundle", "type": "transaction"}

MISTAKES: list[tuple[str, str, Mistake]] = [
    # name of the mistake, cause, mistake
    ("no token", "token-missing", get_patient),
    ("no bearer", "token-missing", lambda app: app.get("Patient", Authorization="Basic eDp5")),
    ("unknown token", "token-unknown", lambda app: app.get("Patient", Authorization="Bearer stranger")),
    ("refresh token", "token-refresh", connect_and(
        lambda app: app.get("Patient", Authorization=f"Bearer {app.tokens['refresh_token']}"))),
    ("expired", "token-expired", connect_and(lambda app: advance(app, "P1D"), get_patient)),
    ("revoked", "token-revoked", connect_and(revoke("access_token"), get_patient)),
    ("grant revoked", "token-grant-revoked",
     connect_and(revoke("refresh_token"), get_patient)),
    ("locked token", "token-locked",
     connect_and(decide("maria", locked=True), get_patient)),
    ("token in the address", "token-misplaced", read("Patient?access_token=x")),
    ("scope", "scope-missing", read_with_small_scope),
    ("part of a type", "scope-missing", read_outside_the_scope),
    ("other patient", "other-patient", read("Coverage?patient=someone-else")),
    ("page", "page-token-invalid", read("Coverage?_page=x")),
    ("parameter", "parameter-invalid", read("Coverage?_count=x")),
    ("too many parameters", "too-costly", read("Coverage?" + "a=b&" * 150)),
    ("long query", "query-too-long", read("Coverage?a=" + "b" * 8100)),
    ("type", "type-unsupported", read("Nonsense")),
    ("id", "resource-unknown", read("Patient/x")),
    ("version", "version-unknown", lambda app: app.connect("maria").get(
        f"Patient/{app.patient}/_history/99")),
    ("history", "history-without-resource", read("Patient/_history")),
    ("no type", "search-without-type", read("?name=x", Accept="application/fhir+json")),
    ("operation", "operation-unsupported", read("Patient/x/$match")),
    ("patient", "patient-missing", read("Patient/$everything")),
    ("format", "format-unsupported", read("Patient", Accept="application/xml")),
    ("address", "address-unknown", read("Patient/x/y/z")),
    ("page address", "address-unknown", lambda app: app.http.get(f"{app.base}/nowhere")),
    ("method", "method-not-allowed", lambda app: app.http.delete(f"{app.base}/fhir/Patient/x")),
    ("transaction", "write-unsupported", post_resource("", _TRANSACTION)),
    ("batch", "batch-invalid", post_resource("", {"resourceType": "Patient"})),
    ("parameters", "parameters-invalid", post_resource("/Patient/x/$everything", {"parameter": 1})),
    ("media type", "media-type-unsupported", post_resource("", {}, "text/plain")),
    ("body", "body-too-large", lambda app: app.http.post(f"{app.base}/auth/token", content=b"x" * (2 << 20))),
    ("header", "fail-next-invalid", lambda app: app.get("metadata", **{"X-Sandbox-Fail-Next": "nonsense"})),
    ("scenario", "scenario-unknown", lambda app: app.log_in("maria@nonsense", "maria-pass")),
    ("no client", "client-unknown", authorize(client_id="nobody")),
    ("suspended app", "app-not-approved", lambda app: (suspend(app), app.authorize())),
    ("redirect", "redirect-uri-unregistered", authorize(redirect_uri="https://elsewhere.example/")),
    ("no redirect", "redirect-uri-missing", authorize(redirect_uri=None)),
    ("no state", "state-missing", authorize(state=None)),
    ("PKCE", "pkce-invalid", authorize(code_challenge=None, code_challenge_method=None)),
    ("aud", "aud-wrong", authorize(aud="https://elsewhere.example/fhir")),
    ("scopes", "scope-not-grantable", authorize(scope="nonsense")),
    ("response type", "response-type-unsupported", authorize(response_type="token")),
    ("prompt", "authorization-request-invalid", authorize(prompt="nonsense")),
    ("silent", "not-signed-in", authorize(prompt="none")),
    ("silent without consent", "consent-missing", lambda app: (
        app.choose(app.log_in("maria")), app.authorize(prompt="none"))),
    ("spent request", "pushed-request-unknown",
     authorize(request_uri="urn:ietf:params:oauth:request_uri:x")),
    ("pushed", "redirect-uri-missing", lambda app: app.post("par", {"response_type": "code"})),
    ("pushed twice", "pushed-request-invalid", push_twice),
    ("password", "password-wrong", lambda app: app.log_in("maria", "wrong")),
    ("portal password", "password-wrong", post_portal("login", {"username": "maria", "password": "wrong"})),
    ("throttled", "too-many-passwords", lambda app: [app.log_in("maria", "wrong") for _ in range(11)]),
    ("declined", "declined", lambda app: app.agree("maria", "deny")),
    ("not covered", "not-yet-covered", lambda app: app.agree("nina")),
    ("locked", "locked", lambda app: (decide("maria", locked=True)(app), app.agree("maria"))),
    ("opted out", "not-opted-in", lambda app: (decide("maria", opted_out=True)(app), app.agree("maria"))),
    ("another browser", "sign-in-over", sign_in_elsewhere),
    ("old form", "form-out-of-date", lambda app: post_login(app, csrf="old")),
    ("foreign form", "form-of-another-site", lambda app: post_login(app, **{"Sec-Fetch-Site": "cross-site"})),
    ("portal", "portal-sign-in-missing", post_portal("opt-in", {})),
    ("another's app", "not-an-app-of-the-member", revoke_at_the_portal),
    ("code twice", "code-reused", redeem_twice),
    ("late code", "code-expired", redeem_late),
    ("verifier", "code-verifier-wrong", redeem_code(code_verifier="w" * 43)),
    ("other redirect", "code-redirect-uri-wrong", redeem_code(redirect_uri="http://127.0.0.1/x")),
    ("unknown code", "grant-invalid", lambda app: app.redeem("x")),
    ("half a form", "token-form-invalid", lambda app: app.token({"grant_type": "refresh_token"})),
    ("refresh twice", "refresh-token-reused", refresh_twice),
    ("refresh scope", "refresh-scope-exceeded",
     connect_and(lambda app: app.refresh(scope="system/*.rs"))),
    ("refresh after opting out", "eligibility-lost",
     connect_and(decide("maria", opted_out=True), lambda app: app.refresh())),
    ("refresh of a suspended app", "app-not-approved", connect_and(suspend, lambda app: app.refresh())),
    ("grant type", "grant-type-unsupported", lambda app: app.token({"grant_type": "password"})),
    ("unknown client", "client-unauthenticated",
     post_form("/auth/token", {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"})),
    ("assertion", "client-assertion-refused",
     post_form("/auth/token", form("a.b.c") | {"client_id": CLIENT})),
    ("system scope", "system-scope-unregistered", ask_for_an_unregistered_scope),
    ("no registration token", "registration-token-missing",
     lambda app: app.http.get(f"{app.base}/auth/register/sandbox-app")),
    ("registration", "client-metadata-invalid",
     lambda app: app.http.post(f"{app.base}/auth/register", json={"redirect_uris": 1})),
    ("no such app", "app-unknown", post_form("/developer/apps", {"client_id": "x", "key": "y"})),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "mistake"), [pytest.param(*row[1:], id=row[0]) for row in MISTAKES])
def test_a_refusal_names_its_cause(app: SmartApp, cause: str, mistake: Mistake) -> None:
    mistake(app)
    entry = refused_entries(app)[-1]
    assert entry["cause"] == cause, entry
    assert (entry["why"], entry["repair"]) == (CAUSES.by_id[cause].why, CAUSES.by_id[cause].repair)


OF_SOME_PAYERS: list[tuple[str, str, Mistake]] = [
    ("aud-forbidden", "aud-unsupported", authorize()),
    ("page-links-expire", "page-expired", follow_old_page),
    ("connection-needs-approval", "approval-pending", lambda app: app.agree("maria")),
    ("ineligible-dead-end", "not-yet-covered", lambda app: app.choose(app.log_in("nina"))),
    ("developer-contact-by-email", "developer-portal-closed",
     lambda app: app.http.get(f"{app.base}/developer")),
    ("rate-limited", "scenario-effect", connect_and(
        *[get_patient] * 12)),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "cause", "mistake"), OF_SOME_PAYERS)
def test_what_only_some_payers_refuse_names_its_cause(
    make_app: MakeApp, scenario: str, cause: str, mistake: Mistake
) -> None:
    app = make_app(scenario)
    mistake(app)
    assert refused_entries(app)[-1]["cause"] == cause


def test_an_armed_fault_is_a_cause(app: SmartApp) -> None:
    app.get("metadata", **{"X-Sandbox-Fail-Next": "metadata=1:429"})
    entry = refused_entries(app)[-1]
    assert entry["cause"] == "armed-fault"
    assert "A test armed this failure" in entry["why"]
    assert "Retry-After" in entry["repair"]


def test_what_was_not_refused_has_no_cause(app: SmartApp) -> None:
    app.connect("maria").get("Patient")
    entries = app.control("journal").json()["entries"]
    assert entries
    assert not any("cause" in entry or "why" in entry for entry in entries)
