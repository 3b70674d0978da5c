"""Waiting holds no thread, is limited for each caller, and ends when the caller leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from support.virtual_time import HeldExecutor, InlineExecutor, run_virtually
from unit.server.caller import Caller, Server

from sandbox.core.outbound import Failure, FetchedDocument
from sandbox.core.waits import CALLER, FETCHED, FIRST_RUN, WAIT, DelayedResponse, Fetch, Pause, Retry
from sandbox.server import gateway
from sandbox.server.limits import SHORT_TURN_SECONDS, TURN_SECONDS, FairExecutor, Turns

TOKEN = "Authorization: Bearer {}"


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Waits as its path says, and answers with what it has by then."""
    kind, body = environ["PATH_INFO"].rpartition("/")[2], [b"done"]
    if "HTTP_X_FORWARDED_FOR" in environ:
        environ[CALLER] = environ["HTTP_X_FORWARDED_FOR"]
    if kind == "delay":
        environ[WAIT] = DelayedResponse(120)
    elif kind == "poll" and asyncio.get_running_loop().time() < 20:
        environ[WAIT], body = Retry(0.5), [b"nothing yet"]
    elif kind == "fetch" and FETCHED not in environ:
        environ[WAIT], body = Fetch("https://app.invalid/jwks", False), []
    elif kind == "fetch":
        body = [repr(environ[FETCHED]).encode()]
    elif kind == "stall":
        body = [b"first ", Pause(30), b"second ", Pause(30), b"last"]
    elif kind == "broken":
        body = breaking()  # type: ignore[assignment]
    elif kind == "bug":
        raise RuntimeError("a bug")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return body


def breaking() -> Iterable[bytes]:
    yield b"half"
    raise ConnectionResetError


def ask(*paths: str, seconds: float = 1000, header: str = "") -> tuple[list[Caller], Server]:
    """Ask for each path by a connection of its own, and let seconds pass."""

    async def main() -> tuple[list[Caller], Server]:
        server = Server(app)
        callers = [server.connect() for _ in paths]
        for caller, path in zip(callers, paths, strict=True):
            await caller.get(path, *([header] if header else []))
        await asyncio.sleep(seconds)
        for caller in callers:
            caller.look_away()
        return callers, server

    return run_virtually(main)


def test_hundreds_of_delays_hold_nothing_and_everybody_else_is_answered_at_once() -> None:
    paths = ["/fhir/delay"] * 256 + ["/fhir/read", "/_sandbox/health"]
    callers, server = ask(*paths, seconds=1)
    assert [caller.status for caller in callers] == [0] * 256 + [200, 200]
    assert (server.threads.runs, server.health.runs) == (257, 1)


def test_a_health_check_that_stalls_says_so() -> None:
    async def main() -> list[tuple[int, bytes]]:
        server = Server(app)
        server.gateway._health = _Stuck()  # type: ignore[assignment]
        callers = [server.connect() for _ in range(5)]
        for caller in callers:
            await caller.get("/_sandbox/health")
        await asyncio.sleep(gateway.HEALTH_SECONDS + 0.01)
        return [(caller.status, caller.body) for caller in callers]

    assert run_virtually(main) == [(503, b'14\r\n{"status":"stalled"}\r\n0\r\n\r\n')] * 5


class _Stuck(InlineExecutor):
    """A thread that never comes back."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


def test_a_delay_ends_after_its_seconds_and_runs_the_app_once() -> None:
    async def main() -> tuple[int, int, float]:
        server = Server(app)
        caller = server.connect()
        await caller.get("/fhir/delay")
        await asyncio.sleep(119.9)
        early = caller.status
        await asyncio.sleep(0.2)
        return early, caller.status, server.threads.runs

    assert run_virtually(main) == (0, 200, 1)


def test_one_caller_may_have_so_many_waits_and_others_theirs() -> None:
    most = gateway.DELAYS.per_caller
    callers, _ = ask(*["/fhir/delay"] * (most + 3), seconds=1)
    assert [caller.status for caller in callers] == [0] * most + [503] * 3
    assert b"retry-after: 5" in callers[-1].wire.written
    assert b"OperationOutcome" in callers[-1].body

    async def main() -> int:
        server = Server(app)
        for number in (*range(most), 999):
            caller = server.connect()
            await caller.get("/fhir/delay", TOKEN.format(number // 999))
        await asyncio.sleep(1)
        return caller.status

    assert run_virtually(main) == 0


def _waiting(lines: list[str]) -> int:
    """How many of as many delays as there may be wait, each sent with one of the header lines in turn."""

    async def main() -> int:
        server = Server(app, connections=gateway.DELAYS.total)
        callers = [server.connect() for _ in range(gateway.DELAYS.total)]
        for number, caller in enumerate(callers):
            await caller.get("/fhir/delay", lines[number % len(lines)])
        await asyncio.sleep(1)
        return sum(caller.status == 0 for caller in callers)

    return run_virtually(main)


def test_made_up_tokens_leave_other_addresses_their_waits() -> None:
    assert _waiting([TOKEN.format(number) for number in range(100)]) == gateway.DELAYS.per_address


def test_addresses_that_a_trusted_proxy_tells_wait_apart() -> None:
    assert _waiting([f"X-Forwarded-For: 192.0.2.{number}" for number in range(100)]) == gateway.DELAYS.total


def test_who_left_waits_no_more_and_makes_room() -> None:
    async def main() -> list[int]:
        server = Server(app)
        first = [server.connect() for _ in range(gateway.DELAYS.per_caller)]
        for caller in first:
            await caller.get("/fhir/delay")
        for caller in first:
            caller.leave()
        await asyncio.sleep(1)
        second = [server.connect() for _ in range(gateway.DELAYS.per_caller)]
        for caller in second:
            await caller.get("/fhir/delay")
        await asyncio.sleep(130)
        return [caller.status for caller in second]

    assert set(run_virtually(main)) == {200}


def test_a_long_poll_runs_again_until_there_is_news() -> None:
    (caller,), server = ask("/_sandbox/poll")
    assert (caller.status, caller.body) == (200, b"done")
    assert server.threads.runs == 41


def test_who_polls_too_much_is_told_that_there_is_no_news() -> None:
    most = gateway.POLLS.per_caller
    callers, _ = ask(*["/_sandbox/poll"] * (most + 2), seconds=1)
    assert [caller.status for caller in callers] == [0] * most + [200] * 2
    assert callers[-1].body == b"nothing yet"


@pytest.mark.parametrize("outcome", [FetchedDocument(b"{}", {}), Failure("answers 404")])
def test_a_document_is_fetched_before_the_app_goes_on(
    outcome: FetchedDocument | Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(url: str, loopback: bool) -> FetchedDocument | Failure:
        await asyncio.sleep(3)
        return outcome

    monkeypatch.setattr(gateway, "fetch", fetch)
    (caller,), server = ask("/auth/fetch")
    assert caller.body == repr({"https://app.invalid/jwks": outcome}).encode()
    assert server.threads.runs == 2


def test_fetches_hold_no_thread_and_one_caller_may_have_few(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(url: str, loopback: bool) -> FetchedDocument:
        await asyncio.sleep(500)
        return FetchedDocument(b"", {})

    monkeypatch.setattr(gateway, "fetch", fetch)
    most = gateway.FETCHES.per_caller
    callers, _ = ask(*["/auth/fetch"] * (most + 1), "/_sandbox/health", "/fhir/read", seconds=1)
    assert [caller.status for caller in callers] == [0] * most + [200, 200, 200]
    assert b"too many fetches" in callers[most].body


def test_the_seconds_of_a_request_count_from_its_first_run() -> None:
    firsts: list[float] = []

    def notes(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        firsts.append(environ[FIRST_RUN])
        if len(firsts) < 3:
            environ[WAIT] = Retry(1)
        start_response("200 OK", [])
        return [b""]

    async def main() -> None:
        caller = Server(notes).connect()
        await caller.get("/")
        await asyncio.sleep(10)

    run_virtually(main)
    assert len(firsts) == 3
    assert len(set(firsts)) == 1


def test_a_body_that_stalls_is_sent_in_parts() -> None:
    async def main() -> list[bytes]:
        caller = Server(app).connect()
        await caller.get("/fhir/stall")
        parts = []
        for _ in range(3):
            await asyncio.sleep(1)
            parts.append(caller.body)
            await asyncio.sleep(30)
        return parts

    first, second, last = run_virtually(main)
    assert b"first" in first
    assert b"second" not in first
    assert b"second" in second
    assert b"last" not in second
    assert last.endswith(b"last\r\n0\r\n\r\n")


def test_a_body_that_breaks_on_purpose_ends_the_connection_after_what_was_sent() -> None:
    (caller,), _ = ask("/fhir/broken")
    assert b"half" in caller.body
    assert caller.wire.closed_at == 0
    assert caller.statuses == [200]


@pytest.mark.parametrize("path", ["/fhir/bug", "/s/x~y/fhir/bug", "/auth/token/bug", "/_sandbox/bug", "/bug"])
def test_a_bug_beneath_everything_is_500_in_the_shape_of_its_path(path: str) -> None:
    (caller,), _ = ask(path)
    assert caller.status == 500
    sign = {"fhir": b"OperationOutcome", "auth": b"server_error", "_sandbox": b"message", "/": b"<h1>"}
    assert next(sign[name] for name in sign if name in path) in caller.body


COSTLY = [
    "/fhir/ExplanationOfBenefit?_include=ExplanationOfBenefit:patient",
    "/s/x~y/fhir/Patient?_revinclude=Observation:patient",
    "/fhir/Patient?name=" + "x" * 600,
    "/fhir/Observation?code=" + "1," * 10,
    "/fhir/Observation?code=" + "1%2c" * 10,
]


def test_costly_requests_have_few_threads_and_others_pass_them() -> None:
    async def main() -> tuple[int, int, int]:
        server, held = Server(app), HeldExecutor()
        server.gateway._costly._threads = held  # type: ignore[assignment]
        plain, costly = server.connect(), server.connect()
        await costly.get(COSTLY[0])
        await plain.get("/fhir/Patient/1")
        await asyncio.sleep(1)
        before = costly.status
        held.release()
        await asyncio.sleep(1)
        return plain.status, before, costly.status

    assert run_virtually(main) == (200, 0, 200)


def test_callers_get_their_turns_however_much_each_has_queued() -> None:
    executor, held, ran = FairExecutor(1, 100), HeldExecutor(), []
    executor._threads = held  # type: ignore[assignment]
    queued = [("greedy", number) for number in range(20)] + [("one", 0), ("two", 0), ("one", 1)]
    futures = [executor.submit(work[0], partial(ran.append, work)) for work in queued]
    futures[1].cancel()
    held.release()
    assert ran[:6] == [("greedy", 0), ("one", 0), ("two", 0), ("one", 1), ("greedy", 2), ("greedy", 3)]
    assert len(ran) == len(queued) - 1


def test_what_costly_work_raises_reaches_who_asked() -> None:
    executor = FairExecutor(1, 100)
    with pytest.raises(ZeroDivisionError):
        executor.submit("one", lambda: 1 / 0).result(10)
    assert executor.submit("one", lambda: 1).result(10) == 1
    executor.shutdown()


def test_work_that_is_queued_when_the_server_ends_is_cancelled() -> None:
    executor, held = FairExecutor(1, 100), HeldExecutor()
    executor._threads = held  # type: ignore[assignment]
    future = executor.submit("one", lambda: 1)
    executor.shutdown()
    held.release()
    assert future.cancelled()


def test_a_queue_of_one_caller_ends_and_others_are_let_in() -> None:
    async def main() -> tuple[list[int], int]:
        server, held = Server(app), HeldExecutor()
        server.gateway._costly._threads = held  # type: ignore[assignment]
        callers = [server.connect() for _ in range(gateway.QUEUED + 1)]
        for caller in callers:
            await caller.get(COSTLY[0])
        other = server.connect()
        await other.get(COSTLY[0], TOKEN.format("another"))
        await asyncio.sleep(0.1)
        held.release()
        await asyncio.sleep(0.1)
        return [caller.status for caller in callers], other.status

    assert run_virtually(main) == ([200] * gateway.QUEUED + [503], 200)


def test_turns_are_short_while_long_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    monkeypatch.setattr(sys, "setswitchinterval", turns.append)

    async def main() -> None:
        watched = Turns()

        async def work(seconds: float) -> None:
            with watched.watch():
                await asyncio.sleep(seconds)

        await work(0.001)
        assert turns == []
        await asyncio.gather(work(1), work(2))

    run_virtually(main)
    assert turns == [SHORT_TURN_SECONDS] * 3 + [TURN_SECONDS]


@pytest.mark.parametrize("path", COSTLY)
def test_a_request_is_costly_by_its_head(path: str) -> None:
    target, _, query = path.partition("?")
    assert gateway._is_costly({"PATH_INFO": target, "QUERY_STRING": query}, 0)
    assert not gateway._is_costly({"PATH_INFO": "/fhir/Patient/1", "QUERY_STRING": ""}, 0)
    assert not gateway._is_costly({"PATH_INFO": "/fhir/Patient", "QUERY_STRING": "patient=x&_count=50"}, 0)
    assert gateway._is_costly({"PATH_INFO": "/fhir", "QUERY_STRING": ""}, 10_000)
