"""The ASGI application: runs the WSGI app in threads, and does its waiting without one.

A request reaches the WSGI app when its body is whole, and holds a thread only while the app computes.
Delays, long polls, calls to other servers and slow readers are waits of the event loop. Costly requests
(batches, long searches) have few threads between them, which callers get in turn, and the
health check has a thread of its own: however busy a worker is, it answers small requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from sandbox.apis.discovery import published
from sandbox.core.clock import stopwatch
from sandbox.core.limits import BATCH_BODY_BYTES_MAX, BODY_BYTES_MAX
from sandbox.core.outbound import Failure, fetch
from sandbox.core.waits import CALLER, FETCHED, FIRST_RUN, WAIT, DelayedResponse, Fetch, Pause, Retry
from sandbox.server.environ import build_environ
from sandbox.server.limits import FairExecutor, TooManyWaiting, Turns, WaitCounter, WaitLimit
from sandbox.server.protocol import EXTENSION, SEND_SECONDS, Connection
from sandbox.store.secret import new_secret
from sandbox.web.errors.refusals import PROBLEM, refusal

log = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]

BODY_MAX = max(BODY_BYTES_MAX, BATCH_BODY_BYTES_MAX)
"""Bytes of a body that are kept; which requests may have so many is the app's to say."""
BODY_READ_MAX = 16 * BODY_MAX
"""Bytes that are read of a longer one before its connection is closed."""
PIECE = 1 << 19
"""Bytes of an answer that are handed to the connection at a time."""

HEALTH_SECONDS = 0.8
"""Within which the health check answers: that it is stalled, if it has nothing better by then."""

DELAYS, POLLS, FETCHES = WaitLimit(256, 1024, 2048), WaitLimit(16, 64, 128), WaitLimit(4, 16, 32)
"""Requests that may wait at once: by a scenario's delay, for news, for another server."""
_HEALTH = tuple(published().paths("health"))
QUEUED = 64
"""Costly requests of one caller that may wait for their turn."""

_COSTLY_SIGNS = ("_include", "_revinclude", "_sort", "_has", ".")
_COSTLY_QUERY, _COSTLY_VALUES = 512, 8
"""Characters of a query string, and values in it, from which a search counts as costly."""


@dataclass
class WsgiResult:
    """What the WSGI app made of a request, as far as it has run: `rest` are the chunks that follow a
    pause, `is_broken` says that the connection ends in the middle, on purpose."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    wait: DelayedResponse | Retry | Fetch | None = None
    pause: float = 0.0
    remaining: Iterator[bytes] | None = None
    is_broken: bool = False

    @property
    def is_last(self) -> bool:
        return self.remaining is None and not self.is_broken


class Gateway:
    """ASGI, in front of a WSGI app."""

    def __init__(self, app: Callable[..., Iterable[bytes]], threads: int):
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "request")
        self._health = ThreadPoolExecutor(1, "health")
        self._costly = FairExecutor(max(1, threads // 16), QUEUED)
        self._turns = Turns()
        self._delays, self._polls, self._fetches = map(WaitCounter, (DELAYS, POLLS, FETCHES))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = scope["extensions"][EXTENSION]
        body, length, problem = bytearray(), 0, _head_problem(scope)
        more = not problem  # who expects something else waits for our word
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length += len(message["body"])
            problem = problem or connection.problem
            if length <= BODY_MAX:
                body += message["body"]
            elif not problem:
                problem = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {BODY_MAX} bytes"
            # What is too long is read for a while: who still sends would not see an answer.
            more = message["more_body"] and length < BODY_READ_MAX
        await _Exchange(self, scope, send, connection).run(bytes(body), problem)

    def close(self) -> None:
        """End the threads; requests that run are finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._health.shutdown(wait=False, cancel_futures=True)
        self._costly.shutdown()

    # --- running the app

    async def compute(self, environ: dict[str, Any], caller: str, is_costly: bool) -> WsgiResult:
        """Run the app in a thread. Raises TooManyWaiting."""
        loop = asyncio.get_running_loop()
        if environ["PATH_INFO"].endswith(_HEALTH):
            try:
                async with asyncio.timeout(HEALTH_SECONDS):
                    return await loop.run_in_executor(self._health, _run, self._app, environ)
            except TimeoutError:
                return WsgiResult(503, [(b"Content-Type", b"application/json")], b'{"status":"stalled"}')
        if is_costly:
            with self._turns.watch():
                work = partial(_run, self._app, environ)
                return await asyncio.wrap_future(self._costly.submit(caller, work))
        return await loop.run_in_executor(self._threads, _run, self._app, environ)

    async def go_on(self, result: WsgiResult) -> WsgiResult:
        """The part of a body that follows a pause."""
        chunks = result.remaining
        assert chunks is not None
        return await asyncio.get_running_loop().run_in_executor(self._threads, _collect, chunks, WsgiResult())

    def place(
        self, wait: DelayedResponse | Retry | Fetch, environ: dict[str, Any]
    ) -> AbstractContextManager[None]:
        """Counts a wait while its block runs, which raises TooManyWaiting. `environ` is that of a run."""
        counter = {DelayedResponse: self._delays, Retry: self._polls, Fetch: self._fetches}[type(wait)]
        return counter.place(_caller(environ), _address(environ))


@dataclass
class _Exchange:
    """A request and its answer."""

    gateway: Gateway
    scope: Scope
    send: Send
    connection: Connection

    async def run(self, body: bytes, problem: tuple[HTTPStatus, str] | None) -> None:
        """Answer a request whose body is whole, or has a `problem`."""
        environ = build_environ(self.scope, b"" if problem else body)
        if problem:
            environ[PROBLEM] = problem
            self.connection.cycle.keep_alive = False
        try:
            result = await self._result(environ, body)
        except TooManyWaiting:
            text = "Too many of your requests are waiting"
            await self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, text, ("Retry-After", "5"))
        except Exception:
            log.exception("a request failed beneath the app")
            await self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed. Its log has the details.")
        else:
            if result is not None:
                await self._send_all(result)

    async def refuse(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        """Answer without the app, and close the connection."""
        shape = published().surface_behind(self.scope["path"]).errors
        ours, body = refusal(status, text, shape, new_secret(6))
        listed = [*ours, *headers, ("Connection", "close")]
        await self._send_all(
            WsgiResult(status, [(name.encode(), value.encode("latin-1")) for name, value in listed], body)
        )

    async def _result(self, environ: dict[str, Any], body: bytes) -> WsgiResult | None:
        """What the app answers in the end. None: the caller left while it waited."""
        environ[FIRST_RUN] = stopwatch()
        caller, is_costly = _caller(environ), _is_costly(environ, len(body))
        while True:
            # The app writes into its environ: each run gets a fresh one.
            run = {**environ, "wsgi.input": BytesIO(body)}
            result = await self.gateway.compute(run, caller, is_costly)
            wait = result.wait
            if wait is None:
                return result
            try:
                with self.gateway.place(wait, run):
                    if isinstance(wait, Fetch):
                        outcome = await self._unless_left(fetch(wait.url, wait.loopback))
                        if outcome is None:
                            return None
                    elif await self._unless_left(_sleep(wait.seconds)) is None:
                        return None
            except TooManyWaiting:
                if isinstance(wait, DelayedResponse):
                    raise
                if isinstance(wait, Retry):
                    return result  # no news is an answer too
                outcome = Failure("cannot be fetched now: too many fetches are under way")
            if isinstance(wait, DelayedResponse):
                return result
            if isinstance(wait, Fetch):
                environ[FETCHED] = {**environ.get(FETCHED, {}), wait.url: outcome}

    async def _unless_left(self, work: Any) -> Any:
        """What `work` comes to; None, and no more work, when the caller leaves meanwhile."""
        task = asyncio.ensure_future(work)
        left = asyncio.ensure_future(self.connection.left.wait())
        try:
            await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            left.cancel()

    async def _send_all(self, result: WsgiResult) -> None:
        if result.is_broken and not result.body:
            await self._hang_up()
            return
        await self.send({"type": "http.response.start", "status": result.status, "headers": result.headers})
        while await self._send_part(result):
            if result.is_broken:
                await self._hang_up()
                return
            if result.remaining is None:
                return
            if await self._unless_left(_sleep(result.pause)) is None:
                self.connection.transport.abort()
                return
            result = await self.gateway.go_on(result)

    async def _hang_up(self) -> None:
        """Close, and return when that is done: uvicorn would answer for us otherwise."""
        self.connection.close()
        await self.connection.left.wait()

    async def _send_part(self, result: WsgiResult) -> bool:
        """Send one part of the body. False when the caller does not take it in time."""
        body = memoryview(result.body)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                for start in range(0, len(body) or 1, PIECE):
                    if self.connection.transport.is_closing():
                        return False
                    piece = body[start : start + PIECE]
                    is_end = result.is_last and start + PIECE >= len(body)
                    await self.send({"type": "http.response.body", "body": piece, "more_body": not is_end})
        except TimeoutError:
            self.connection.transport.abort()
            return False
        return True


async def _sleep(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True


def _head_problem(scope: Scope) -> tuple[HTTPStatus, str] | None:
    """Why a request is refused for its head alone."""
    expects = [value.lower() for name, value in scope["headers"] if name == b"expect"]
    if any(value != b"100-continue" for value in expects):
        return HTTPStatus.EXPECTATION_FAILED, "This Expect cannot be met"
    return None


def _caller(environ: dict[str, Any]) -> str:
    secret = environ.get("HTTP_AUTHORIZATION")
    if secret:
        return hashlib.sha256(secret.encode("latin-1")).hexdigest()
    return _address(environ)


def _address(environ: dict[str, Any]) -> str:
    """Where a request comes from: the connection's address, until the app has said what a proxy says."""
    return str(environ.get(CALLER) or environ["REMOTE_ADDR"])


def _is_costly(environ: dict[str, Any], body_bytes: int) -> bool:
    """Whether a request may compute for long: told by its head, before anything is parsed."""
    query = environ["QUERY_STRING"]
    if not published().surface_behind(environ["PATH_INFO"]).is_fhir:
        return False
    if body_bytes > _COSTLY_QUERY or len(query) > _COSTLY_QUERY:
        return True
    if query.count(",") + query.upper().count("%2C") >= _COSTLY_VALUES:
        return True
    return any(sign in query for sign in _COSTLY_SIGNS)


def _run(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> WsgiResult:
    """Run the app until it waits or is done."""
    environ.pop(WAIT, None)
    result = WsgiResult()

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        result.status = int(status[:3])
        result.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    chunks = app(environ, start_response)
    result.wait = environ.get(WAIT)
    result = _collect(_closing(chunks), result)
    if result.is_last and environ["REQUEST_METHOD"] != "HEAD":
        # What is sent decides, so that no wrong length breaks the connection by accident.
        result.headers = [header for header in result.headers if header[0].lower() != b"content-length"]
        if result.status not in (204, 304):
            result.headers.append((b"Content-Length", str(len(result.body)).encode()))
    return result


def _closing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def _collect(chunks: Iterator[bytes], result: WsgiResult) -> WsgiResult:
    """Add chunks to a result, up to a pause or the end."""
    parts: list[bytes] = []
    try:
        for chunk in chunks:
            if isinstance(chunk, Pause):
                result.pause, result.remaining = chunk.seconds, chunks
                break
            parts.append(chunk)
    except ConnectionResetError:
        result.is_broken = True
    result.body = parts[0] if len(parts) == 1 else b"".join(parts)
    return result
