"""The same choices in a Chromium: pages that scripts draw are walked, the others come out as without one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from signin_gallery import FLOWS, PASSWORD, USER, Flow
from test_score_signin_gallery import CALLBACK, Gallery

from sandbox.core.errors import UsageError
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard
from sandbox.score.instruments.facts import Member
from sandbox.score.run import SignInOptions, grade
from sandbox.score.signin import chromium
from sandbox.score.signin.launch import Driver, SignInSession, SmartApp
from sandbox.score.signin.tokens import ClientApp, Endpoints

pytestmark = pytest.mark.slow

IN_A_BROWSER = [flow for flow in FLOWS if flow.script] + [
    flow
    for flow in FLOWS
    if flow.name
    in (
        "hosted login in two steps with a hidden password field for password managers",
        "meta refresh between pages",
        "consent by one box for each scope, none ticked",
        "radio buttons, the refusal preselected",
        "the button stands outside of its form",
        "a decoy that a style rule hides",
        "a form that is sent by GET",
        "boxes drawn by their labels",
        "a list that says yes or no",
        "consent by links",
        "language: es",
        "language: ko",
        "a one-time code",
        "a wrong password is said",
        "the server fails",
    )
]


@contextmanager
def served(flow: Flow) -> Iterator[str]:
    """The gallery on loopback; yields its origin."""
    gallery = Gallery(flow, "")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            url = f"http://127.0.0.1{self.path}"
            answer = gallery(httpx.Request(self.command, url, content=self.rfile.read(length)))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name in ("location", "content-type"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    gallery.host = f"http://127.0.0.1:{server.server_port}"
    try:
        yield gallery.host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    pytest.importorskip("playwright")
    if chromium.find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with chromium.open_driver(CALLBACK, Guard("http://127.0.0.1/fhir")) as opened:
        yield opened


def enter(host: str, driver: Driver) -> SignInSession:
    with HttpClient(Guard(f"{host}/fhir")) as http:
        endpoints = Endpoints(f"{host}/authorize", f"{host}/token")
        app = SmartApp(
            http, endpoints, ClientApp("app", CALLBACK), f"{host}/fhir", endpoints.scopes(), driver
        )
        return app.sign_in(Member(username=USER, password=PASSWORD))


@pytest.mark.browser
@pytest.mark.parametrize("flow", IN_A_BROWSER, ids=lambda flow: flow.name)
def test_a_page_of_the_gallery_in_a_browser(
    flow: Flow, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    if flow.outcome == "UNWALKED":
        monkeypatch.setattr(chromium, "DRAWING_SECONDS", 0.5)  # nothing more will be drawn
    if flow.script:
        monkeypatch.setattr(chromium, "DRAWING_SECONDS", 300.0)  # scripts of a busy machine
    with served(flow) as host:
        session = enter(host, driver)
    assert session.outcome == ("AUTHORIZED" if flow.script else flow.outcome), session
    assert PASSWORD not in f"{session.reason} {session.looks} {session.exchanges}"
    assert session.looks
    assert session.exchanges


def test_without_playwright_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(UsageError, match="--browser-driver needs Playwright and a Chromium"):
        grade("http://127.0.0.1:1/fhir", entry=SignInOptions(browser_driver=True))


@pytest.mark.browser
def test_without_a_chromium_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setattr(chromium, "find_chromium", lambda: "/nowhere/chromium")
    with ThreadPoolExecutor(1) as elsewhere:  # one thread drives one Playwright, and has one perhaps
        graded = elsewhere.submit(grade, "http://127.0.0.1:1/fhir", entry=SignInOptions(browser_driver=True))
        with pytest.raises(UsageError, match="--browser-driver needs Playwright and a Chromium"):
            graded.result()
