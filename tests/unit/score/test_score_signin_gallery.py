"""The gallery of sign-in pages: walked, or honestly unseen; none ends as declined by us."""

from __future__ import annotations

from urllib.parse import parse_qsl

import httpx
import pytest
import transcripts
from conftest import Grade, line_of, no_resolver
from fake_payer import FakePayer, Time
from signin_gallery import FLOWS, PASSWORD, USER, Flow

from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession, SmartApp
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.tokens import ClientApp, Endpoints

HOST = "https://payer.example"
CALLBACK = "http://127.0.0.1/callback"


class Gallery:
    """Serves one flow: page after page while what is sent is right; else the member has declined."""

    def __init__(self, flow: Flow, host: str = HOST):
        self.flow, self.host, self.state = flow, host, ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/authorize":
            self.state = request.url.params["state"]
            return self._to("/0")
        if path == "/token":
            return httpx.Response(200, json={"access_token": "at", "patient": "1"})
        number, _, action = path.strip("/").partition("/")
        if not number.isdecimal():
            return self._declined()
        page = self.flow.pages[int(number)]
        if action != "send":
            html = page.html.replace("{send}", f"{self.host}/{number}/send").replace(
                "{here}", f"{self.host}/{number}"
            )
            return httpx.Response(page.status, html=html)
        pairs = parse_qsl(request.content.decode() or request.url.query.decode(), keep_blank_values=True)
        said = dict(pairs)
        if any(said.get(name) != value for name, value in page.sent.items()) or set(page.never) & said.keys():
            return self._declined()
        if int(number) + 1 < len(self.flow.pages):
            return self._to(f"/{int(number) + 1}")
        return self._to(f"{CALLBACK}?code=c&state={self.state}", "")

    def _declined(self) -> httpx.Response:
        said = f"error=access_denied&error_description=The+member+declined&state={self.state}"
        return self._to(f"{CALLBACK}?{said}", "")

    def _to(self, path: str, host: str | None = None) -> httpx.Response:
        return httpx.Response(303, headers={"location": f"{self.host if host is None else host}{path}"})


def enter(flow: Flow) -> SignInSession:
    time = Time()
    guard = Guard(f"{HOST}/fhir", resolve=no_resolver)
    transport = httpx.MockTransport(Gallery(flow))
    with HttpClient(guard, transport=transport, sleep=time.sleep, stopwatch=time.stopwatch) as http:
        endpoints = Endpoints(f"{HOST}/authorize", f"{HOST}/token")
        client = ClientApp("app", CALLBACK)
        app = SmartApp(http, endpoints, client, f"{HOST}/fhir", endpoints.scopes())
        return app.sign_in(Member(username=USER, password=PASSWORD))


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_page_of_the_gallery(flow: Flow) -> None:
    session = enter(flow)
    transcripts.note(*(read(page.html, f"{HOST}/0") for page in flow.pages))
    transcripts.note(session.outcome, session.reason, *(look.to_value() for look in session.looks))
    assert (session.outcome, session.error if flow.outcome == "AUTHORIZED" else "") == (flow.outcome, ""), (
        session
    )
    assert flow.says in session.reason
    told = f"{session.reason} {[look.to_value() for look in session.looks]}"
    assert PASSWORD not in told
    if flow.outcome == "UNWALKED":
        assert "--browser" in session.reason
        assert "--sign-in-script" in session.reason
        assert session.looks


def test_sign_ins_that_cannot_be_walked_count_in_no_rate(grade_fake: Grade) -> None:
    """Some members are asked for a code that only they have: the others are the rate."""
    payer = FakePayer()
    real = payer._entered

    def asks_some_for_a_code(prefix: str, form: dict[str, str]) -> httpx.Response:
        if form["username"].endswith("5"):
            code = '<form method="post"><label>Verification code <input name="otp" required></label></form>'
            return httpx.Response(200, html=code)
        return real(prefix, form)

    payer._entered = asks_some_for_a_code  # type: ignore[method-assign]
    card, evidence = grade_fake(payer)
    line = line_of(card, "authorization-success")
    unwalked = evidence["unwalked"].value["count"]
    assert unwalked
    assert (line.points, line.n) == (14, 40 - unwalked)
    assert line.reason.endswith(f"; not counted: {unwalked} that the scorer could not complete")


def test_a_payer_whose_pages_cannot_be_walked_is_unseen_to_its_full_worth(grade_fake: Grade) -> None:
    payer = FakePayer()
    script = '<html><script src="/app.js"></script><div id="root"></div></html>'
    payer._entered = lambda prefix, form: httpx.Response(200, html=script)  # type: ignore[method-assign]
    card, evidence = grade_fake(payer)
    line = line_of(card, "authorization-success")
    assert (line.source, line.points) == ("unseen", 0)
    assert card.range[1] == 100
    assert not [line.id for line in card.lines if line.source == "observed" and line.points < line.max]
    assert "--browser-driver" in line.reason
    assert payer.attempts == {}
    (trace,) = [
        look for look in evidence["unwalked"].value["trace"] if look["did"] and "stopped" in look["did"][0]
    ]
    assert trace["page"].startswith("POST ")
    assert not [text for text in ('"pw"', "m0") if text in evidence.to_json().decode()]
