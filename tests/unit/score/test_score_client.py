"""The polite client: waits, renews, follows few redirects, and never carries what it should not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs

import httpx
import pytest
from conftest import no_resolver
from fake_payer import Time

from sandbox.score.collect.discovery import discover
from sandbox.score.http.answers import retry_after
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard
from sandbox.score.http.redaction import shown
from sandbox.score.signin.tokens import Bearer, ClientApp, Endpoints, refresh

BASE = "https://payer.example/fhir"


def client(answer: Callable[[httpx.Request], httpx.Response], time: Time) -> HttpClient:
    return HttpClient(
        Guard(BASE, resolve=no_resolver),
        transport=httpx.MockTransport(answer),
        sleep=time.sleep,
        stopwatch=time.stopwatch,
        now=time.now,
    )


@pytest.mark.parametrize(
    ("header", "waited"),
    [("2", 2.0), ("0", 0.0), ("Thu, 01 Jan 2026 00:00:05 GMT", 5.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_told_and_tries_once_more(header: str, waited: float, status: int) -> None:
    time, asked = Time(), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status if len(asked) == 1 else 200, headers={"Retry-After": header})

    with client(answer, time) as http:
        tries = http.read(f"{BASE}/Patient", Bearer("t"), step="individual")
        assert [t.status for t in tries] == [status, 200]
        assert [t.exchange.retry for t in tries] == [False, True]
        assert (time.slept, http.busy) == ([waited], waited)


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "31"}, {"Retry-After": "soon"}])
def test_does_not_wait_when_not_told_or_told_too_long(headers: dict[str, str]) -> None:
    time = Time()
    with client(lambda _: httpx.Response(429, headers=headers), time) as http:
        assert len(http.read(f"{BASE}/Patient", None, step="individual")) == 1
    assert time.slept == []


def test_patience_ends() -> None:
    time = Time()
    with client(lambda _: httpx.Response(429, headers={"Retry-After": "30"}), time) as http:
        for _ in range(10):
            http.read(f"{BASE}/Patient", None, step="individual")
    assert sum(time.slept) == 120


class Renewing:
    """A credential that has one more token."""

    def __init__(self) -> None:
        self.token, self.renewals = "old", 0

    def renew(self) -> bool:
        self.token, self.renewals = "new", self.renewals + 1
        return True


def test_a_dead_token_is_renewed_once() -> None:
    bearer = Renewing()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["authorization"] == "Bearer new" else 401)

    with client(answer, Time()) as http:
        assert [t.status for t in http.read(f"{BASE}/Patient", bearer, step="individual")] == [401, 200]
    with client(lambda _: httpx.Response(401), Time()) as http:
        assert [t.status for t in http.read(f"{BASE}/Patient", bearer, step="individual")] == [401, 401]
    assert bearer.renewals == 2


def test_without_a_refresh_token_a_401_is_final() -> None:
    with client(lambda _: httpx.Response(401), Time()) as http:
        assert len(http.read(f"{BASE}/Patient", Bearer("t"), step="individual")) == 1


def test_redirects_are_followed_three_times_and_checked() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        hop = int(request.url.params.get("hop", "0"))
        return httpx.Response(302, headers={"location": f"?hop={hop + 1}"})

    with client(answer, Time()) as http:
        assert http.get(f"{BASE}/metadata", step="discovery").status == 302
    assert len(asked) == 4


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/", "https://93.184.216.34/fhir", "//10.0.0.5/x"]
)
def test_a_redirect_out_is_refused(location: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"location": location})

    with client(answer, Time()) as http:
        last = http.read(f"{BASE}/Patient", Bearer("secret"), step="individual")[-1]
    assert (last.status, len(asked)) == (0, 1)
    assert last.exchange.note.startswith("not asked")


def test_says_who_it_is_and_asks_for_plain_bytes() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["user-agent"].startswith("payer-sandbox-score/")
        assert request.headers["accept-encoding"] == "identity"
        return httpx.Response(200)

    with client(answer, Time()) as http:
        assert http.get(f"{BASE}/metadata", step="discovery").status == 200


@pytest.mark.parametrize(
    "problem",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"),
     httpx.ConnectTimeout("")],
)  # fmt: skip
def test_no_answer_is_status_0_with_the_reason(problem: Exception) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise problem

    with client(answer, Time()) as http:
        exchange = http.get(f"{BASE}/metadata", step="discovery").exchange
    assert exchange.status == 0
    assert exchange.note


def test_an_endless_answer_is_given_up() -> None:
    time = Time()

    class Drip(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            while True:
                time.seconds += 7
                yield b"x"

    with client(lambda _: httpx.Response(200, stream=Drip()), time) as http:
        exchange = http.get(f"{BASE}/metadata", step="discovery").exchange
    assert exchange.status == 0
    assert "60 s" in exchange.note


def test_retry_after_counts_from_the_servers_own_clock() -> None:
    far = {"retry-after": "Fri, 01 Jan 2027 00:00:09 GMT", "date": "Fri, 01 Jan 2027 00:00:00 GMT"}
    assert retry_after(far, datetime(2026, 1, 1, tzinfo=UTC)) == 9.0


@pytest.mark.parametrize(
    ("url", "step", "kept"),
    [
        ("https://p/fhir/EOB?patient=1&_count=2", "individual", "https://p/fhir/EOB?patient=1&_count=2"),
        ("https://p/fhir?code=abc&state=s", "individual", "https://p/fhir?code=%E2%80%A6&state=%E2%80%A6"),
        ("https://p/auth/login?request=abc", "sign-in", "https://p/auth/login"),
        ("https://ann:pw@p/fhir", "individual", "https://p/fhir"),
        ("https://[p", "individual", "(not a URL)"),
    ],
)
def test_what_evidence_keeps_of_a_url(url: str, step: str, kept: str) -> None:
    assert shown(url, step) == kept


def test_a_token_is_renewed_with_the_newest_refresh_token() -> None:
    good = ["r0"]

    def answer(request: httpx.Request) -> httpx.Response:
        spent = parse_qs(request.content.decode())["refresh_token"]
        if spent != good[-1:]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        good.append(f"r{len(good)}")
        return httpx.Response(200, json={"access_token": f"a{len(good)}", "refresh_token": good[-1]})

    where = Endpoints(f"{BASE}/authorize", f"{BASE}/token")
    with client(answer, Time()) as http:
        app = ClientApp("app", "http://127.0.0.1/callback")
        bearer = Bearer("a0", "r0", partial(refresh, http, where, app))
        assert [bearer.renew(), bearer.renew()] == [True, True]
        assert (bearer.token, bearer.refresh_token) == ("a3", "r2")


def test_a_refresh_token_that_is_not_rotated_stays_good() -> None:
    where = Endpoints(f"{BASE}/authorize", f"{BASE}/token")
    with client(lambda _: httpx.Response(200, json={"access_token": "a1"}), Time()) as http:
        app = ClientApp("app", "http://127.0.0.1/callback")
        bearer = Bearer("a0", "r0", partial(refresh, http, where, app))
        assert bearer.renew()
        assert (bearer.token, bearer.refresh_token) == ("a1", "r0")


@pytest.mark.parametrize(
    ("statuses", "tries"), [([503, 200], 2), ([429, 500, 200], 3), ([404, 200], 1), ([500, 500, 500, 200], 3)]
)
def test_a_document_is_asked_for_again_after_a_hiccup(statuses: list[int], tries: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        status = statuses[asked.count(request.url.path) - 1]
        said = {"resourceType": "CapabilityStatement", "token_endpoint": f"{BASE}/token"}
        return httpx.Response(status, json=said if status == 200 else {})

    with client(answer, Time()) as http:
        found = discover(http, BASE)
    for document in (found.capability, found.smart):
        assert len(document.exchanges) == tries
        assert document.present == (statuses[tries - 1] == 200)
