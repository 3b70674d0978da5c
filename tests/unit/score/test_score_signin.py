"""Sign-in against payers with other manners than the fake one: each page is a line in a small script."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs

import httpx
import pytest
from conftest import no_resolver
from fake_payer import Time

from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession, SmartApp
from sandbox.score.signin.page_flow import is_callback
from sandbox.score.signin.scopes import SCOPE, ladder
from sandbox.score.signin.tokens import ClientApp, Endpoints

BASE = "https://payer.example/fhir"
CALLBACK = "http://127.0.0.1/callback"
LOGIN = (
    '<form method="post" action="/in"><input name="u">'
    '<input type="password" name="p"><button>Go</button></form>'
)
AUTHORIZE = "https://payer.example/authorize"


class Payer:
    """Answers by path; `{state}` in a body or a location becomes the state of the authorize request."""

    def __init__(self, pages: dict[str, tuple[int, str]], token: httpx.Response | None = None):
        self.pages, self.token, self.state = pages, token, ""
        self.asked: list[tuple[str, str, str]] = []
        self.basic = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path, request.content.decode()))
        if request.url.path == "/authorize":
            self.state = request.url.params["state"]
        if request.url.path == "/token":
            self.basic = request.headers.get("authorization", "")
            return self.token or httpx.Response(200, json={"access_token": "at", "patient": "1"})
        status, text = self.pages.get(request.url.path, (404, ""))
        text = text.replace("{state}", self.state)
        if status in (301, 302, 303, 307, 308):
            return httpx.Response(status, headers={"location": text})
        return httpx.Response(status, html=text)


def enter(payer: Payer, secret: str | None = None) -> SignInSession:
    time = Time()
    guard = Guard(BASE, resolve=no_resolver)
    with HttpClient(
        guard, transport=httpx.MockTransport(payer), sleep=time.sleep, stopwatch=time.stopwatch
    ) as http:
        endpoints = Endpoints(AUTHORIZE, "https://payer.example/token")
        app = SmartApp(http, endpoints, ClientApp("app", CALLBACK, secret), BASE, endpoints.scopes())
        return app.sign_in(Member(username="ann", password="pw"))


BACK = f"{CALLBACK}?code=c&state={{state}}"


@pytest.mark.parametrize(
    "pages",
    [
        {"/authorize": (200, LOGIN), "/in": (302, BACK)},
        {"/authorize": (302, "/login"), "/login": (200, LOGIN), "/in": (303, "/done"), "/done": (302, BACK)},
        {  # the code comes in a form that submits itself: read, never sent
            "/authorize": (200, LOGIN),
            "/in": (
                200,
                f'<form method="post" action="{CALLBACK}"><input type="hidden" name="code" value="c">'
                '<input type="hidden" name="state" value="{state}"></form>',
            ),
        },
        {"/authorize": (200, LOGIN), "/in": (307, "/again"), "/again": (302, BACK)},
    ],
)
def test_ways_in(pages: dict[str, tuple[int, str]]) -> None:
    payer = Payer(pages)
    session = enter(payer)
    assert (session.outcome, session.access_token, session.patient) == ("AUTHORIZED", "at", "1")
    assert "/callback" not in [path for _, path, _ in payer.asked]
    assert session.scope == SCOPE
    assert "at" not in repr(session).replace("patient", "").split("'")


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [
        ({}, "ERROR_PAGE"),
        ({"/authorize": (200, "<p>Closed</p>")}, "ERROR_PAGE"),
        ({"/authorize": (500, LOGIN)}, "ERROR_PAGE"),
        ({"/authorize": (200, LOGIN), "/in": (200, LOGIN)}, "LOGIN_FAILED"),
        ({"/authorize": (200, LOGIN), "/in": (401, LOGIN)}, "LOGIN_FAILED"),
        ({"/authorize": (200, LOGIN), "/in": (403, "<p>Not eligible</p>")}, "ERROR_PAGE"),
        (
            {
                "/authorize": (200, LOGIN),
                "/in": (200, '<form method="post"><button>Activate</button></form>'),
            },
            "ERROR_PAGE",
        ),
        ({"/authorize": (200, LOGIN), "/in": (302, "/in"), "/loop": (302, "/in")}, "ERROR_PAGE"),
        ({"/authorize": (302, "http://169.254.169.254/")}, "ERROR_PAGE"),
        ({"/authorize": (302, "https://inside.example/")}, "ERROR_PAGE"),
        ({"/authorize": (302, f"{CALLBACK}?error=access_denied&state={{state}}")}, "CALLBACK_ERROR"),
        ({"/authorize": (302, CALLBACK)}, "CALLBACK_ERROR"),
        ({"/authorize": (302, f"{CALLBACK}?code=c")}, "STATE_MISMATCH"),
        ({"/authorize": (302, f"{CALLBACK}?code=c&state=other")}, "STATE_MISMATCH"),
        ({"/authorize": (302, "http://127.0.0.1/callbacks?code=c")}, "ERROR_PAGE"),
    ],
)
def test_ways_that_end_elsewhere(pages: dict[str, tuple[int, str]], outcome: str) -> None:
    session = enter(Payer(pages))
    assert session.outcome == outcome
    assert session.reason
    assert not session.authorized
    assert session.usable is (outcome == "STATE_MISMATCH")


def id_token(**claims: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.sig"


@pytest.mark.parametrize(
    ("reply", "outcome", "patient"),
    [
        (
            httpx.Response(200, json={"access_token": "a", "id_token": id_token(fhirUser="Patient/7")}),
            "AUTHORIZED",
            "7",
        ),
        (
            httpx.Response(
                200, json={"access_token": "a", "id_token": id_token(fhirUser=f"{BASE}/Patient/7")}
            ),
            "AUTHORIZED",
            "7",
        ),
        (
            httpx.Response(200, json={"access_token": "a", "id_token": id_token(fhirUser="RelatedPerson/7")}),
            "EXCHANGE_FAILED",
            "",
        ),
        (httpx.Response(200, json={"access_token": "a", "id_token": "junk"}), "EXCHANGE_FAILED", ""),
        (httpx.Response(200, json={"patient": "1"}), "EXCHANGE_FAILED", ""),
        (httpx.Response(200, text="ok"), "EXCHANGE_FAILED", ""),
        (httpx.Response(400, json={"error": "invalid_grant"}), "EXCHANGE_FAILED", ""),
        (httpx.Response(500), "EXCHANGE_FAILED", ""),
    ],
)
def test_what_makes_a_token_usable(reply: httpx.Response, outcome: str, patient: str) -> None:
    session = enter(Payer({"/authorize": (302, BACK)}, reply))
    assert (session.outcome, session.patient) == (outcome, patient)


def test_public_and_confidential_clients() -> None:
    public, confidential = Payer({"/authorize": (302, BACK)}), Payer({"/authorize": (302, BACK)})
    enter(public)
    enter(confidential, "s:cret")
    said = [parse_qs(payer.asked[-1][2]) for payer in (public, confidential)]
    assert said[0]["client_id"] == ["app"]
    assert "client_id" not in said[1]
    assert public.basic == ""
    assert base64.b64decode(confidential.basic.removeprefix("Basic ")) == b"app:s%3Acret"


@pytest.mark.parametrize(
    ("location", "callback"),
    [(CALLBACK, True), (f"{CALLBACK}?code=1", True), (f"{CALLBACK}#x", True), (f"{CALLBACK}s", False),
     (f"{CALLBACK}/x", False), ("http://127.0.0.1/", False)],
)  # fmt: skip
def test_what_is_the_callback(location: str, callback: bool) -> None:
    assert is_callback(location, CALLBACK) is callback


def test_scopes_of_an_older_payer() -> None:
    assert "patient/*.read" in ladder(("openid", "patient/*.read"))[0]
    assert "patient/*.rs" in ladder(("patient/*.read", "patient/*.rs"))[0]
    assert "patient/*.rs" in ladder(())[0]
