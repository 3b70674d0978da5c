"""Servers that mean harm, on real sockets: each answer ends in a finding, and leads nowhere else.

The time for a whole answer is the tests' own (`TIME`): a server that drips lets it pass.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import httpx
import pytest
import zstandard
from fake_payer import Time

from sandbox.core.errors import UsageError
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import MOST_PIECES, HttpAnswer
from sandbox.score.http.client import LARGEST, HttpClient
from sandbox.score.http.guard import Guard, Reach
from sandbox.score.http.transport import Transport

Serve = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
TIME = Time()
WHOLE, WAIT, SILENT = 1.5, 60.0, 0.3
"""Seconds: of TIME for a whole answer; of waiting for a byte, and for one that never comes."""


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """Each connection in a thread of its own. Yields host and port."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    conn, _ = door.accept()
                    threading.Thread(target=handle, args=(conn,), daemon=True).start()

        def handle(conn: socket.socket) -> None:
            with suppress(OSError), conn:
                serve(conn)

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{door.getsockname()[1]}"
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)


def says(*parts: bytes) -> Serve:
    """A server that says this after a request, whatever it was, and closes."""

    def serve(conn: socket.socket) -> None:
        conn.recv(65536)
        for part in parts:
            conn.sendall(part)

    return serve


def drips(head: bytes, piece: bytes, times: int = 9) -> Serve:
    """A server whose bytes keep coming while the time for an answer runs out."""

    def serve(conn: socket.socket) -> None:
        conn.recv(65536)
        conn.sendall(head)
        for _ in range(times):
            conn.sendall(piece)
        TIME.seconds += 2 * WHOLE
        conn.sendall(piece)
        mute(conn)

    return serve


def forever(head: bytes, piece: bytes) -> Serve:
    """A server that says more than anybody keeps."""
    return drips(head, piece, 2 * LARGEST // len(piece))


def mute(conn: socket.socket) -> None:
    while conn.recv(65536):
        pass


def body(content: bytes, encoding: str = "") -> bytes:
    coded = f"Content-Encoding: {encoding}\r\n".encode() if encoding else b""
    return OK + coded + b"Content-Length: %d\r\n\r\n" % len(content) + content


def client(guard: Guard, wait: float = WAIT) -> HttpClient:
    return HttpClient(guard, timeout=wait, answer_seconds=WHOLE, stopwatch=TIME.stopwatch)


def ask(place: str, scheme: str = "http", wait: float = WAIT) -> HttpAnswer:
    base = f"{scheme}://{place}/fhir"
    with client(Guard(base), wait) as http:
        return http.get(f"{base}/Patient", step="individual")


def bomb(wrap: Callable[[bytes], bytes]) -> bytes:
    return wrap(b"0" * (80 << 20))


def deflated(content: bytes) -> bytes:
    return zlib.compress(content, 9)


HOSTILE: dict[str, tuple[Serve, str]] = {
    "never answers": (mute, "no complete response in time"),
    "closes after the request": (says(), "broke off or was not HTTP"),
    "closes before it": (lambda conn: None, ""),
    "drips its headers": (drips(OK, b"X"), "no complete response in time"),
    "drips its status": (drips(b"HTTP/1.1 200 ", b"O"), "no complete response in time"),
    "drips its body": (drips(OK + b"Content-Length: 9999999\r\n\r\n", b" "), "no complete response in time"),
    "drips its chunks": (
        drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "no complete response in time",
    ),
    "goes on and on": (forever(OK + b"\r\n", b"[" * 65536), "more than 64 MB"),
    "chunks without end": (
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        "more than 64 MB",
    ),
    "a chunk's extension without end": (
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
        "not HTTP",
    ),
    "trailers without end": (
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 8192),
        "not HTTP",
    ),
    "one header without end": (forever(OK + b"X: ", b"x" * 65536), "not HTTP"),
    "headers without end": (forever(OK, b"X-A: b\r\n" * 8192), "not HTTP"),
    "continues without end": (
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 9),
        "no complete response in time",
    ),
    "hints without end": (
        drips(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
        "no complete response in time",
    ),
    "a gzip bomb": (says(body(bomb(lambda b: gzip.compress(b, 9)), "gzip")), "more than 64 MB"),
    "a deflate bomb": (says(body(bomb(deflated), "deflate")), "more than 64 MB"),
    "a zstd bomb": (says(body(bomb(zstandard.compress), "zstd")), "zstd, which was not requested"),
    "brotli": (says(body(b"\x0b\x02\x80{}\x03", "br")), "br, which was not requested"),
    "gzip in gzip in gzip": (says(body(b"x", "gzip, gzip, gzip")), "encoded 3 times"),
    "no gzip at all": (says(body(b"{}", "gzip")), "encoding is broken"),
    "less than it promised": (says(OK + b"Content-Length: 50\r\n\r\n{}"), "broke off"),
    "a length that is none": (says(OK + b"Content-Length: -5\r\n\r\n{}"), "not HTTP"),
    "two lengths": (says(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"), "not HTTP"),
    "HTTP/0.9": (says(b"<html>hello</html>"), "not HTTP"),
    "a mail server": (says(b"220 mail.example ESMTP\r\n"), "not HTTP"),
    "a status that is none": (says(b"HTTP/1.1 99999 What\r\n\r\n"), "not HTTP"),
    "a header with a NUL": (says(OK + b"X: a\x00b\r\n\r\n"), "not HTTP"),
    "a TLS record": (says(b"\x15\x03\x01\x00\x02\x02\x28"), "not HTTP"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_a_finding(name: str) -> None:
    serve, told = HOSTILE[name]
    with listening(serve) as place:
        answer = ask(place, wait=SILENT if serve is mute else WAIT)
    assert (answer.status, answer.body) == (0, b"")
    assert answer.exchange.note
    assert told in answer.exchange.note, answer.exchange.note


@pytest.mark.parametrize(
    "serve",
    [mute, says(b"HTTP/1.1 200 OK\r\n\r\n"), drips(b"", b"\x16"),
     says(b"\x15\x03\x01\x00\x02\x02\x28")],
)  # fmt: skip
def test_a_hostile_handshake_is_a_finding(serve: Serve) -> None:
    with listening(serve) as place:
        answer = ask(place, "https", SILENT if serve is mute else WAIT)
    assert answer.exchange.note.startswith("no connection")


READABLE: dict[str, tuple[bytes, str]] = {
    "NaN": (b'{"resourceType": "Bundle", "total": NaN}', "not a readable FHIR resource"),
    "Infinity": (b'{"resourceType": "Bundle", "total": Infinity}', "not a readable FHIR resource"),
    "nested deeply": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not a readable FHIR resource"),
    "nested in lists": (b"[" * 20_000_000, "not a readable FHIR resource"),
    "one line of 50 MB": (b'{"resourceType":"Bundle","x":"' + b"x" * (50 << 20) + b'"}', ""),
    "millions of empty lists": (
        b'{"resourceType":"Bundle","entry":[' + b"[]," * MOST_PIECES + b"1]}",
        "not a readable",
    ),
    "no UTF-8": (b'{"resourceType":"Bundle","x":"\xff\xfe"}', "not a readable FHIR resource"),
    "half a surrogate": (b'{"resourceType":"Bundle","x":"\\ud800"}', "not a readable FHIR resource"),
    "more than it promised": (b"", ""),
}


@pytest.mark.parametrize("name", READABLE)
def test_a_hostile_body_is_no_bundle(name: str) -> None:
    content, told = READABLE[name]
    with listening(says(body(content))) as place:
        answer = ask(place)
    assert answer.status == 200
    page = bundles.page(answer)
    assert page.next == ""
    assert told in bundles.flaw(answer)
    assert page.readable is (not told) or not content


def test_nothing_after_the_length_is_read() -> None:
    with listening(says(body(b'{"resourceType":"Bundle"}') + b"HTTP/1.1 500 No\r\n\r\n")) as place:
        base = f"http://{place}/fhir"
        with client(Guard(base)) as http:
            found = [http.get(f"{base}/Patient", step="individual").status for _ in range(3)]
    assert found == [200, 200, 200]


def test_cookies_without_end_do_not_hold_anybody_up() -> None:
    numbers = count()

    def serve(conn: socket.socket) -> None:
        while conn.recv(1 << 20):
            cookies = b"".join(
                b"Set-Cookie: c%d=%s; Path=/\r\n" % (next(numbers), b"x" * 400) for _ in range(200)
            )
            conn.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n" + cookies + b"\r\n"
            )

    jar = httpx.Cookies()
    with listening(serve) as place:
        base = f"http://{place}/fhir"
        with client(Guard(base)) as http:
            for _ in range(20):
                answer = http.send("GET", f"http://{place}/login", step="sign-in", reach="page", jar=jar)
    assert answer.status == 302
    assert len(jar) <= 200


# where a hostile answer may lead


@contextmanager
def trap() -> Iterator[tuple[str, list[bytes]]]:
    """A place on this machine where nobody should come: what came."""
    came: list[bytes] = []

    def serve(conn: socket.socket) -> None:
        came.append(conn.recv(65536))
        conn.sendall(body(b"{}"))

    with listening(serve) as place:
        yield place, came


SPELLINGS = (
    *(
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ),
    *("[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "localhost.", "LOCALHOST"),
    *("10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]", "169.254.169.254"),
    *(
        "[::ffff:169.254.169.254]",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "inside.example",
        "metadata.example",
    ),
)


TABLE = {
    "payer.example": ["93.184.216.34"],
    "inside.example": ["10.0.0.5"],
    "metadata.example": ["169.254.169.254"],
    "both.example": ["93.184.216.34", "127.0.0.1"],
}


def named(host: str) -> list[str]:
    """The names of these tests, and what the system makes of spelled numbers; nothing is asked abroad."""
    if host in TABLE:
        return TABLE[host]
    if host.lower().strip(".") == "localhost":
        return ["127.0.0.1", "::1"]
    flags = socket.AI_NUMERICHOST
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)]


@pytest.mark.parametrize("host", [*SPELLINGS, "both.example"])
@pytest.mark.parametrize("reach", ["data", "page"])
def test_nothing_leads_from_outside_to_a_private_address(host: str, reach: Reach) -> None:
    guard = Guard("http://payer.example/fhir", resolve=named)
    assert guard.refuses(f"http://{host}/x", reach)
    with pytest.raises(OSError, match=r"private|link-local|resolve"):
        guard.admit(host.strip("[]"))


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "0.0.0.0", "224.0.0.1"]
)
def test_a_target_on_this_machine_opens_no_way_to_link_local_addresses(host: str) -> None:
    assert Guard("http://127.0.0.1:8080/fhir", resolve=named).refuses(f"http://{host}/x", "page")


def test_a_name_that_moves_into_this_machine_is_not_followed_there() -> None:
    """DNS rebinding: public when it is judged, this machine when it is connected to."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    with trap() as (place, came):
        base = f"http://payer.example:{place.partition(':')[2]}/fhir"
        guard = Guard(base, resolve=lambda host: next(answers))
        assert not guard.target_is_private()
        with client(guard) as http:
            answer = http.get(f"{base}/metadata", step="discovery")
    assert answer.status == 0
    assert "now leads into a private network" in answer.exchange.note
    assert came == []


def test_a_connection_is_made_to_the_address_that_was_admitted() -> None:
    with trap() as (place, came):
        port = place.partition(":")[2]
        admitted: list[str] = []

        def admit(host: str) -> list[str]:
            admitted.append(host)
            return ["127.0.0.1"]

        sender = Transport(admit, WHOLE, WHOLE)
        answer = sender.handle_request(httpx.Request("GET", f"http://no-such-host.invalid:{port}/x"))
        assert answer.read() == b"{}"
        sender.close()
    assert admitted == ["no-such-host.invalid"]
    assert b"Host: no-such-host.invalid" in came[0]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_of_data_to_another_origin_is_not_followed(code: int) -> None:
    with trap() as (there, came):
        head = f"HTTP/1.1 {code} Go\r\nLocation: http://{there}/x\r\nContent-Length: 0\r\n\r\n"
        with listening(says(head.encode())) as place:
            answer = ask(place)
    assert answer.exchange.note.startswith("not asked: leads to another origin")
    assert came == []


def test_a_redirect_half_way_is_checked_at_each_hop() -> None:
    def serve(conn: socket.socket) -> None:
        line = conn.recv(65536).split(b"\r\n")[0]
        step = int(line.split(b"hop=")[1].split()[0]) if b"hop=" in line else 0
        where = b"/fhir/x?hop=%d" % (step + 1) if step < 2 else b"http://%s/stolen" % there.encode()
        conn.sendall(
            b"HTTP/1.1 302 Go\r\nLocation: " + where + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )

    with trap() as (there, came), listening(serve) as place:
        answer = ask(place)
    assert answer.exchange.note.startswith("not asked: leads to another origin")
    assert came == []


def test_tls_is_prepared_only_for_https(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> ssl.SSLContext:
        raise AssertionError("no TLS is needed")

    monkeypatch.setattr(httpx, "create_ssl_context", refuse)
    with listening(says(body(b"{}"))) as place:
        assert ask(place).status == 200


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with trap() as (place, came):
        monkeypatch.setenv("http_proxy", f"http://{place}")
        monkeypatch.setenv("no_proxy", "")
        guard = Guard("http://payer.example/fhir", resolve=named)
        with client(guard) as http:
            assert http.get("http://payer.example/fhir/metadata", step="discovery").status == 200
        with listening(says(body(b"{}"))) as here:
            assert ask(here).status == 200  # what is on this machine is asked for directly
    assert [words.split(b"\r\n")[0] for words in came] == [b"GET http://payer.example/fhir/metadata HTTP/1.1"]


def test_a_proxy_of_another_kind_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("no_proxy", "")
    with (
        client(Guard("http://payer.example/fhir", resolve=named)) as http,
        pytest.raises(UsageError, match="only HTTP proxies are supported, not socks5"),
    ):
        http.get("http://payer.example/fhir/metadata", step="discovery")
