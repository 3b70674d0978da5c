"""CORS as a browser asks it: documents for all, data for registered apps, pages for nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

from sandbox.web import cors as cors_of
from sandbox.web.http.headers import READ as READ_OF_REQUESTS

REGISTERED = "https://app.example"
DOCUMENTS = [
    "fhir/metadata",
    "fhir/.well-known/smart-configuration",
    "auth/jwks",
    "auth/.well-known/openid-configuration",
    "auth/.well-known/oauth-authorization-server",
    "branding.json",
]
ENDPOINTS = ["auth/token", "auth/revoke", "auth/introspect", "auth/register", "auth/par", "fhir/Patient"]
PRIVATE = [
    "auth/authorize",
    "auth/login",
    "auth/consent",
    "auth/pick",
    "portal",
    "developer",
    "_sandbox/clock",
    "fhir/.well-known/payer-facts",
]
STRANGERS = [
    "https://evil.example",
    "null",
    "https://app.example.evil.example",
    "https://evilapp.example",
    "https://sub.app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example/",
    "https://APP.example",
    "https://app.example@evil.example",
    "https://app.example https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example:3000",
    "https://localhost",
    "http://localhost:3000/callback",
    "http://127.1",
    "http://[::1",
    "http://localhost:99999",
    "file://",
    "",
]


READ = {"Retry-After", "Location", "ETag", "WWW-Authenticate", "Sandbox-Effects", "X-Request-Id",
        "X-Correlation-Id", "Last-Modified"}  # fmt: skip


def ask(app: SmartApp, path: str, who: str, method: str = "POST") -> httpx.Response:
    """A preflight."""
    headers = {
        "Origin": who,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return app.http.options(f"{app.base}/{path}", headers=headers)


def exposed(answer: httpx.Response) -> set[str]:
    return set(answer.headers["access-control-expose-headers"].split(", "))


def cors(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("who", ["https://evil.example", "null"])
def test_anybody_may_read_the_documents(app: SmartApp, path: str, who: str) -> None:
    answer = app.http.get(f"{app.base}/{path}", headers={"Origin": who})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "who", [REGISTERED, "http://localhost:3000", "http://127.0.0.1:51234", "http://[::1]:8"]
)
def test_a_registered_app_may_call_from_its_own_origin(app: SmartApp, path: str, who: str) -> None:
    asked = ask(app, path, who)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == who
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = set(asked.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "content-type", "accept", "prefer", "if-none-match"} <= allowed
    assert {"x-sandbox-scenario", "x-sandbox-fail-next", "x-request-id", "x-correlation-id"} <= allowed
    assert "x-sandbox-key" not in allowed  # the control API is for no page
    assert "Origin" in asked.headers["vary"]
    answer = app.http.post(f"{app.base}/{path}", headers={"Origin": who}, data={"a": "b"})
    assert answer.status_code >= 400  # errors are told to the app's script too
    assert answer.headers["access-control-allow-origin"] == who
    assert exposed(answer) >= READ
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["auth/token", "fhir/Patient"])
@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_is_told_nothing_whatever_its_origin_looks_like(
    app: SmartApp, path: str, who: str
) -> None:
    asked = ask(app, path, who)
    assert asked.status_code == 204
    answer = app.http.post(f"{app.base}/{path}", headers={"Origin": who})
    for said in (asked, answer):
        assert cors(said) == set()
        assert "Origin" in said.headers["vary"]


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("who", [REGISTERED, "http://localhost:3000", "null"])
def test_pages_and_control_are_for_no_script(app: SmartApp, path: str, who: str) -> None:
    assert cors(ask(app, path, who)) == set()
    assert cors(app.http.get(f"{app.base}/{path}", headers={"Origin": who})) == set()


def test_a_browser_app_signs_in_reads_and_refreshes_across_origins(make_app: MakeApp) -> None:
    app = make_app(redirect_uri="http://localhost:5173/callback")
    origin = {"Origin": "http://localhost:5173"}
    app.http.headers.update(origin)
    app.connect("maria")
    for answer in (app.get("Coverage"), app.refresh(), app.get("Nothing")):
        assert answer.headers["access-control-allow-origin"] == origin["Origin"]


def test_a_preflight_is_no_request_of_the_app(make_app: MakeApp) -> None:
    """It needs no token, uses up no limit, and is in the journal."""
    app = make_app("rate-limited")
    answers = [ask(app, "fhir/Patient", REGISTERED, "GET").status_code for _ in range(30)]
    assert set(answers) == {204}
    assert app.get("metadata").status_code == 200
    noted = [e for e in app.control("journal").json()["entries"] if e["method"] == "OPTIONS"]
    assert len(noted) == 30


def test_a_refusal_by_a_scenario_can_be_read_by_the_app(make_app: MakeApp) -> None:
    app = make_app("rate-limited")
    answers = [app.get("Patient", Origin=REGISTERED) for _ in range(15)]
    assert 429 in {answer.status_code for answer in answers}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {REGISTERED}


def test_options_without_a_preflight_says_what_is_possible(app: SmartApp) -> None:
    answer = app.http.options(f"{app.base}/fhir/Patient")
    assert answer.status_code == 200
    assert "GET" in answer.headers["allow"]


def test_a_payer_may_keep_browsers_out(at: Callable[..., SmartApp], app: SmartApp) -> None:
    closed = at("closed-to-browsers")
    assert closed.get("metadata").json()["rest"][0]["security"]["cors"] is False
    assert cors(closed.get("metadata", Origin=REGISTERED)) == set()
    assert cors(ask(closed, "auth/token", REGISTERED)) == set()
    assert app.get("metadata").json()["rest"][0]["security"]["cors"] is True


def test_an_app_that_registers_itself_may_call_until_it_is_suspended(app: SmartApp) -> None:
    mine = "https://new.example"
    assert cors(ask(app, "fhir/Patient", mine)) == set()
    form = {"redirect_uris": [f"{mine}/callback"], "client_name": "New"}
    client = app.http.post(f"{app.base}/auth/register", json=form).json()["client_id"]
    assert ask(app, "fhir/Patient", mine).headers["access-control-allow-origin"] == mine
    decided = app.control(f"clients/{client}", {"state": "suspended", "criterion": "token-misuse"})
    assert decided.status_code == 200
    assert cors(ask(app, "fhir/Patient", mine)) == set()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "fhir/Patient", 401),
        ("GET", "fhir/Patient?_format=xml", 406),
        ("GET", f"fhir/Patient?name={'x' * 8000}", 414),
        ("POST", "fhir/Patient/_search", 413),
        ("POST", "auth/token", 413),
        ("DELETE", "fhir/Patient", 405),
        ("GET", "fhir/no/such/thing/here", 404),
    ],
)
def test_every_refusal_can_be_read(app: SmartApp, method: str, path: str, status: int) -> None:
    body = b"a=" + b"x" * (1 << 17) if status == 413 else b""
    headers = {"Origin": REGISTERED, "Content-Type": "application/x-www-form-urlencoded"}
    answer = app.http.request(method, f"{app.base}/{path}", content=body, headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, REGISTERED)
    assert exposed(answer) >= READ


def test_a_refusal_before_the_payer_is_known_can_be_read_by_anybody(app: SmartApp) -> None:
    nowhere = f"{app.base.partition('/s/')[0]}/s/no-such-scenario"
    lost = SmartApp(nowhere)
    asked = ask(lost, "fhir/Patient", "https://evil.example", "GET")
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
    answer = lost.get("Patient", Origin="https://evil.example")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, "*")
    assert exposed(answer) >= READ
    for path in ("portal", "_sandbox/clock", "auth/authorize"):
        assert cors(app.http.get(f"{nowhere}/{path}", headers={"Origin": "null"})) == set()
    lost.close()


def test_the_headers_that_are_read_of_a_request_may_be_sent() -> None:
    """What the code looks up, less what browsers set themselves and what only servers and people send."""
    looked_up = re.compile(
        r"""request\.headers(?:\.get\(|\[)"([A-Za-z-]+)"|"([A-Z][A-Za-z-]+)" (?:not )?in request\.headers"""
    )
    texts = [
        path.read_text()
        for folder in ("apis", "web")
        for path in (Path(cors_of.__file__).parents[1] / folder).rglob("*.py")
    ]
    read = {a or b for text in texts for a, b in looked_up.findall(text)}
    assert {"Authorization", "Prefer", "If-None-Match"} <= read
    by_browsers = {
        "Last-Event-ID",
        "Origin",
        "Access-Control-Request-Method",
        "Referer",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Site",
        "Accept-Encoding",
        "User-Agent",
    }
    assert read - by_browsers - {"X-Sandbox-Key", "Last-Event-ID"} <= set(READ_OF_REQUESTS)
