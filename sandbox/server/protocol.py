"""One HTTP connection: uvicorn's, with the deadlines and bounds that a server in the open needs.

A request must be whole within `REQUEST_SECONDS` of its first byte, however its bytes come, and its
answer must be taken within `SEND_SECONDS`. A connection that says nothing costs a file descriptor and a
timer. When there are too many connections, the one that has been silent longest is closed for the new
one, so that silence never keeps anybody out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from sandbox.apis.discovery import published
from sandbox.store.secret import new_secret
from sandbox.web.api import ErrorShape
from sandbox.web.errors.refusals import refusal

SILENT_SECONDS = 15.0
"""From the connection to the first byte of its first request."""
REQUEST_SECONDS = 20.0
"""From the first byte of a request to the last byte of its body."""
SEND_SECONDS = 60.0
"""From the first byte of an answer to the last that the caller takes; pauses that a scenario makes do
not count."""
HEAD_MAX = 65_536
"""Bytes of a request line and headers together."""
HEADERS_MAX = 200
"""Headers of a request."""
HEADER_MAX = 8190
"""Bytes of one header."""
URL_MAX = 8190
"""Bytes of the address in a request line."""
CONNECTIONS_MAX = 4096
"""Open connections of one worker, unless it may open fewer files."""

EXTENSION = "sandbox.connection"
"""The name in the ASGI scope's `extensions` under which a request finds its connection."""


class ConnectionState(ServerState):
    """What the connections of one server share. `idle` are those that wait for their caller, in the
    order in which they began to."""

    def __init__(self, most: int = CONNECTIONS_MAX):
        super().__init__()
        self._most = most
        self.idle: OrderedDict[Connection, None] = OrderedDict()

    def make_room(self) -> None:
        """Close the connection that has waited longest for its caller when there are too many."""
        if len(self.connections) > self._most and self.idle:
            oldest, _ = self.idle.popitem(last=False)
            oldest.transport.abort()


class Connection(HttpToolsProtocol):
    """A connection from its first byte to its last. `left` is set when the caller sends no more while
    an answer is under way; `problem` says why a request whose head is there will not be whole."""

    server_state: ConnectionState

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.left = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = self._header_bytes = 0
        self._reads_head = True
        self._refused = False
        self.url = b""
        self.problem: tuple[HTTPStatus, str] | None = None

    # --- what asyncio and the parser report

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_caller(SILENT_SECONDS)
        self.server_state.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        self.server_state.idle.pop(self, None)
        self.left.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The caller sends no more: an error in the middle of a request, not an end of it."""
        if self._is_answering():
            self.left.set()
            self.cycle.keep_alive = False
            return self.scheme == "http"  # TLS has no half-closed connections
        if self._is_receiving():
            self._fail(HTTPStatus.BAD_REQUEST, "The request breaks off before its end")
            return self.scheme == "http" and self.problem is not None
        return None

    def data_received(self, data: bytes) -> None:
        if self._refused or self.problem:
            return
        if self._reads_head:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._fail(HTTPStatus.BAD_REQUEST, "This is not a request that HTTP knows")
        if self._reads_head and self._head_bytes > HEAD_MAX:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large")

    def _go_on_without_upgrade(self, following: bytes) -> None:
        """Read a request that offers another protocol as if it did not (RFC 9110 §7.8): the parser takes
        what follows its head for that protocol. Java's client sends such requests."""
        if self._refused:
            return
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.refuse(HTTPStatus.METHOD_NOT_ALLOWED, "This server is no proxy")
            return
        lines = [method + b" " + self.url + b" HTTP/" + self.parser.get_http_version().encode()]
        for name, value in self.headers:
            if name == b"connection":
                options = [option.strip() for option in value.lower().split(b",")]
                value = b", ".join(o for o in options if o not in (b"upgrade", b"http2-settings"))
            if name not in (b"upgrade", b"http2-settings"):
                lines.append(name + b": " + value)
        self._reads_head, self._head_bytes = True, 0
        # Ours has ended where the connection ends with the request, as in HTTP/1.0.
        self.parser = httptools.HttpRequestParser(self)
        with suppress(AttributeError):  # httptools before 0.6.3
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join([*lines, b"", b""]) + following)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]  # an object of ours
        self._start_deadline(REQUEST_SECONDS)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_MAX:
            self.refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if len(value) > HEADER_MAX or self._header_bytes > HEAD_MAX or len(self.headers) > HEADERS_MAX:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large")

    def on_headers_complete(self) -> None:
        if not self._refused and not self.parser.should_upgrade():
            super().on_headers_complete()
            self._reads_head = False

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._reads_head, self._head_bytes = True, 0
        self._stop_deadline()
        self.server_state.idle.pop(self, None)
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.transport.get_write_buffer_size():
            self.loop.call_later(SEND_SECONDS, self._abort_unsent)
        super().on_response_complete()
        if not self.transport.is_closing() and not self._is_answering():
            self._unset_keepalive_if_required()  # ours does not begin anew with every byte
            self._wait_for_caller(self.timeout_keep_alive)

    # --- ends

    def _fail(self, status: HTTPStatus, text: str) -> None:
        """End a request that does not arrive whole: the app answers where its head did."""
        if self._reads_head:
            self.refuse(status, text)
            return
        self._stop_deadline()
        self.problem = status, text
        self.cycle.keep_alive = self.cycle.more_body = False
        self.cycle.message_event.set()

    def refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer what cannot become a request, and close. An answer under way is finished first."""
        if self._refused:
            return
        self._refused = True
        self._stop_deadline()
        if self._is_answering() and self.cycle.response_started:
            self.cycle.keep_alive = False
            return
        headers, body = refusal(status, text, self._error_shape(), new_secret(6))
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        self.close()

    def _error_shape(self) -> ErrorShape:
        """The shape of the path in the request line once a header shows that it is whole, or once it is too
        long; before that an OperationOutcome, since programs call far more than people."""
        if not self.url or not (self.headers or len(self.url) > URL_MAX):
            return ErrorShape.OUTCOME
        return published().surface_behind(self.url.partition(b"?")[0].decode("latin-1")).errors

    def close(self) -> None:
        """Close once everything written is sent, or `SEND_SECONDS` from now."""
        self.transport.close()
        self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def _is_receiving(self) -> bool:
        return self._head_bytes > 0 or not self._reads_head

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _wait_for_caller(self, seconds: float) -> None:
        self.server_state.idle[self] = None
        self.server_state.idle.move_to_end(self)
        self._start_deadline(seconds)

    def _start_deadline(self, seconds: float) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(seconds, self._end_by_deadline)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_by_deadline(self) -> None:
        if self._is_receiving():
            self._fail(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time")
        else:
            self.transport.abort()

    def _abort_unsent(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
