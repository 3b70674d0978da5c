"""Deadlines and bounds of a connection: what is slow, silent or endless costs nobody else anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import pytest
from support.virtual_time import run_virtually
from unit.server.caller import Caller, Server

from sandbox.core.waits import WAIT, DelayedResponse
from sandbox.server import protocol
from sandbox.server.gateway import BODY_MAX, PIECE
from sandbox.server.runner import running
from sandbox.web.errors.refusals import PROBLEM


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers with the body, or with what was wrong with the request."""
    status, text = environ.get(PROBLEM, (200, ""))
    body = text.encode() or environ["wsgi.input"].read() or environ["PATH_INFO"].encode()
    start_response(f"{int(status)} Said", [("Content-Length", str(len(body)))])
    return [body]


def talk(steps: Any, **options: Any) -> Caller:
    """Run `steps(caller)` at a server that echoes, then let all the time pass that anybody waits for."""

    async def main() -> Caller:
        caller = Server(echo).connect(**options)
        await steps(caller)
        await asyncio.sleep(1000)
        return caller

    return run_virtually(main)


HEAD = b"POST /fhir/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400\r\n"


def test_a_head_that_drips_is_answered_408_at_the_deadline() -> None:
    caller = talk(lambda caller: caller.send(HEAD * 9, each=2, pause=1))
    assert caller.status == 408
    assert b"OperationOutcome" in caller.body
    assert caller.wire.closed_at == protocol.REQUEST_SECONDS


def test_a_body_that_drips_is_answered_408_at_the_deadline_of_its_whole_request() -> None:
    async def steps(caller: Caller) -> None:
        await caller.send(HEAD, each=10, pause=2)
        await caller.send(b"\r\n")
        await caller.send(b"x" * 400, each=1, pause=3)

    caller = talk(steps)
    assert (caller.status, caller.body) == (408, b"The request did not arrive in time")
    assert caller.wire.closed_at == protocol.REQUEST_SECONDS


def test_a_slow_request_that_arrives_in_time_is_answered() -> None:
    caller = talk(lambda caller: caller.send(HEAD + b"\r\n" + b"x" * 400, each=100, pause=3))
    assert caller.status == 200


def test_a_caller_who_says_nothing_is_let_go() -> None:
    caller = talk(lambda caller: asyncio.sleep(0))
    assert (caller.wire.written, caller.wire.closed_at) == (b"", protocol.SILENT_SECONDS)


def test_empty_lines_do_not_keep_an_idle_connection() -> None:
    async def steps(caller: Caller) -> None:
        await caller.get("/fhir/x")
        await caller.send(b"\r\n" * 1000, each=2, pause=3)

    caller = talk(steps)
    assert caller.statuses[0] == 200
    assert caller.wire.closed_at is not None
    assert caller.wire.closed_at <= 75


@pytest.mark.parametrize("how", ["keep-alive", "close"])
@pytest.mark.parametrize("size", [100, BODY_MAX])
def test_a_caller_who_does_not_read_is_let_go(how: str, size: int) -> None:
    async def main() -> tuple[Caller, int]:
        server = Server(lambda environ, start: start("200 OK", []) or [b"x" * size])
        caller = server.connect(reads=False)
        await caller.get("/fhir/x", f"Connection: {how}")
        await asyncio.sleep(1000)
        return caller, len(server.state.connections)

    caller, left = run_virtually(main)
    assert caller.wire.aborted
    assert caller.wire.closed_at is not None
    assert caller.wire.closed_at <= protocol.SEND_SECONDS
    assert len(caller.wire.written) < PIECE + 1024
    assert left == 0


def test_a_new_caller_takes_the_place_of_the_one_who_was_silent_longest() -> None:
    async def main() -> tuple[list[Caller], Caller]:
        server = Server(echo, connections=40)
        dripping = [server.connect() for _ in range(20)]
        for caller in dripping:
            await caller.send(b"GET / HT")
        silent = [server.connect() for _ in range(100)]
        guest = server.connect()
        await guest.get("/fhir/x")
        await asyncio.sleep(1)
        return [*dripping, *silent], guest

    others, guest = run_virtually(main)
    assert guest.status == 200
    ended = [caller.wire.aborted for caller in others]
    assert ended == [True] * 81 + [False] * 39


def test_a_caller_who_is_being_answered_keeps_the_place() -> None:
    def late(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[WAIT] = DelayedResponse(5)
        return echo(environ, start_response)

    async def main() -> list[int]:
        server = Server(late, connections=3)
        working = [server.connect() for _ in range(3)]
        for caller in working:
            await caller.get("/fhir/x")
        for _ in range(50):
            server.connect()
        await asyncio.sleep(10)
        return [caller.status for caller in working]

    assert run_virtually(main) == [200, 200, 200]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /fhir/" + b"x" * 8191 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /fhir/" + b"x" * 100_000, 414),
        (b"GET /fhir HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /fhir HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /fhir HTTP/1.1\r\nHost a\r\n\r\n", 400),
        (b"GET /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /fhir HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /fhir HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
        (b"CONNECT evil.invalid:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
@pytest.mark.parametrize("each", [0, 1000])
def test_what_is_no_request_is_refused_once_and_the_connection_closed(
    data: bytes, status: int, each: int
) -> None:
    caller = talk(lambda caller: caller.send(data, each=each))
    assert caller.statuses == [status]
    assert caller.wire.closed_at == 0


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        (b"/auth/token", b'{"error":"invalid_request","error_description":'),
        (b"/s/rate-limited/auth/token?a=b", b'{"error":"invalid_request","error_description":'),
        (b"/_sandbox/clock", b'{"error":"invalid","message":'),
        (b"/auth/login", b"<!doctype html>"),
        (b"/fhir/Patient", b'{"resourceType":"OperationOutcome"'),
    ],
)
@pytest.mark.parametrize(
    "line", [b"X: " + b"y" * 9000, b"X: y\r\n" * 300, b"Content-Length: -1", b"X y", b"X: \x01"]
)
def test_a_head_that_is_refused_is_answered_in_the_shape_of_its_path(
    path: bytes, shape: bytes, line: bytes
) -> None:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n" + line + b"\r\n\r\n"
    caller = talk(lambda caller: caller.send(head))
    assert caller.status in (400, 431)
    assert caller.body.startswith(shape)


def test_a_body_in_broken_chunks_is_the_apps_to_refuse() -> None:
    head = b"POST /auth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    caller = talk(lambda caller: caller.send(head + b"3\r\nabc\r\nzz\r\n" + b"more" * 1000))
    assert (caller.statuses, caller.body) == ([400], b"This is not a request that HTTP knows")
    assert caller.wire.closed_at == 0


def test_a_request_without_host_is_answered_in_http_1_0() -> None:
    caller = talk(lambda caller: caller.send(b"GET /fhir/x HTTP/1.0\r\n\r\n"))
    assert (caller.status, caller.body) == (200, b"/fhir/x")


@pytest.mark.parametrize("cut", [10, len(HEAD), len(HEAD) + 50])
def test_a_request_that_breaks_off_is_400(cut: int) -> None:
    async def steps(caller: Caller) -> None:
        await caller.send((HEAD + b"\r\n" + b"x" * 400)[:cut])
        caller.send_no_more()

    caller = talk(steps)
    assert caller.statuses == [400]
    assert b"breaks off" in caller.body


def test_a_whole_request_is_answered_though_its_caller_sends_no_more() -> None:
    async def steps(caller: Caller) -> None:
        connection = caller.send(b"GET /fhir/x HTTP/1.1\r\nHost: a\r\n\r\n")
        task = asyncio.ensure_future(connection)
        await asyncio.sleep(0)
        caller.send_no_more()
        await task

    caller = talk(steps)
    assert caller.statuses == [200]


def test_a_body_that_is_too_long_is_413_once_it_was_read() -> None:
    size = BODY_MAX + 1
    head = HEAD.replace(b"400", str(size).encode()) + b"\r\n"
    caller = talk(lambda caller: caller.send(head + b"x" * size, each=100_000))
    assert caller.statuses == [413]


def test_a_body_without_end_is_413_and_the_connection_closed() -> None:
    head = HEAD.replace(b"400", b"999999999") + b"\r\n"
    caller = talk(lambda caller: caller.send(head + b"x" * (40 * BODY_MAX), each=BODY_MAX))
    assert caller.statuses == [413]
    assert caller.wire.closed_at == 0


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"


@pytest.mark.parametrize("each", [0, 7])
@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
)
def test_an_offer_of_http_2_is_passed_over_and_the_body_read(each: int, framing: bytes) -> None:
    request = b"POST /fhir HTTP/1.1\r\nHost: a\r\n" + UPGRADE + framing
    caller = talk(lambda caller: caller.send(request + request, each=each))
    assert caller.statuses == [200, 200]
    assert caller.wire.written.count(b"\r\n\r\nabc") == 2


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("more", [b"", b", close", b", keep-alive"])
def test_an_offer_of_http_2_keeps_what_is_said_of_the_connection(version: bytes, more: bytes) -> None:
    offer = UPGRADE.replace(b"Upgrade, HTTP2-Settings", b"Upgrade, HTTP2-Settings" + more)
    plain = b"Connection: " + more[2:] + b"\r\n" if more else b""
    head, rest = b"POST /fhir HTTP/" + version + b"\r\nHost: a\r\n", b"Content-Length: 3\r\n\r\nabc"
    callers = [talk(lambda caller, said=said: caller.send(head + said + rest)) for said in (offer, plain)]
    assert [caller.statuses for caller in callers] == [[200], [200]]
    assert callers[0].wire.closed_at == callers[1].wire.closed_at


def test_requests_sent_ahead_are_answered_in_order() -> None:
    requests = b"".join(b"GET /fhir/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50))
    caller = talk(lambda caller: caller.send(requests))
    answers = caller.wire.written.split(b"HTTP/1.1 200")[1:]
    assert [answer.rpartition(b"/")[2] for answer in answers] == [b"%d" % number for number in range(50)]


def test_answers_do_not_wait_for_the_acknowledgment_of_their_head() -> None:
    """A head and a body are two packets: Nagle's algorithm would hold the second up."""
    with socket.create_server(("127.0.0.1", 0)) as listener, running(echo, listener):
        with socket.create_connection(listener.getsockname(), timeout=600) as link:
            link.sendall(b"GET /fhir/x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert link.recv(100)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
