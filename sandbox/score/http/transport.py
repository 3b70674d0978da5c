"""HTTP/1.1 over sockets that connect only where the guard allows, with a deadline per answer.

The deadline covers the connection, TLS, head and body. It is checked below HTTP, where no parser can be
misled. A host name is resolved here once more, and connected to by the addresses that the guard has just
allowed, so that it cannot change meanwhile (DNS rebinding; OWASP, Server-Side Request Forgery Prevention).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from sandbox.core import clock
from sandbox.core.errors import UsageError
from sandbox.score.http.guard import THIS_MACHINE

Admit = Callable[[str], list[str]]
"""Returns a host's IP addresses. Raises PermissionError when none is allowed, OSError when there are none."""

logging.getLogger("httpcore").setLevel(logging.INFO)  # at DEBUG it logs every Location and Set-Cookie

KEEP_ALIVE_SECONDS = 1.0  # shorter than servers keep idle connections, so that none is closed under a request


class Transport(httpx.BaseTransport):
    """The connections of one examination. `seconds` is for one answer, `wait` is without a byte."""

    def __init__(
        self, admit: Admit, wait: float, seconds: float, stopwatch: Callable[[], float] = clock.stopwatch
    ):
        self._deadline = _Deadline(seconds, stopwatch)
        self._admit = admit
        self._waits = {"connect": wait / 3, "read": wait, "write": wait, "pool": wait}
        self._pools: dict[tuple[str, bool], httpcore.ConnectionPool] = {}
        self._proxies = getproxies()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body still to be read. Raises httpx.HTTPError."""
        self._deadline.start()
        url = request.url
        where = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        outgoing = httpcore.Request(
            request.method,
            where,
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": self._waits},
        )
        with _as_httpx():
            answer = self._pool(url).handle_request(outgoing)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """Return the pool for a URL. TLS is set up on first use: reading certificates takes time."""
        proxy, secure = self._proxy(url), url.scheme == "https"
        if (proxy, secure) not in self._pools:
            context = httpx.create_ssl_context() if secure else None
            self._pools[proxy, secure] = self._open_pool(proxy, context)
        return self._pools[proxy, secure]

    def _open_pool(self, proxy: str, context: SSLContext | None) -> httpcore.ConnectionPool:
        common: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": KEEP_ALIVE_SECONDS}
        if proxy:  # the person's own proxy: it resolves names itself, and may be anywhere
            return httpcore.HTTPProxy(
                proxy, network_backend=_Sockets(lambda host: [host], self._deadline), **common
            )
        return httpcore.ConnectionPool(network_backend=_Sockets(self._admit, self._deadline), **common)

    def _proxy(self, url: httpx.URL) -> str:
        """Return the proxy that the environment names for this URL; empty for none, and on this machine."""
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all") or ""
        if not proxy or url.host in THIS_MACHINE or proxy_bypass(url.host):
            return ""
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")):
            raise UsageError(f"only HTTP proxies are supported, not {proxy.partition(':')[0]}")
        return proxy


class _Deadline:
    """The instant at which the present answer must be complete."""

    def __init__(self, seconds: float, stopwatch: Callable[[], float]):
        self.seconds, self._stopwatch, self._until = seconds, stopwatch, 0.0

    def start(self) -> None:
        self._until = self._stopwatch() + self.seconds

    def left(self, wait: float | None, late: type[Exception]) -> float:
        """Return the shorter of the wait and of the time left. Raises `late` when none is left."""
        left = self._until - self._stopwatch()
        if left <= 0:
            raise late(f"not whole after {self.seconds:g} s")
        return left if wait is None else min(wait, left)


class _Sockets(httpcore.NetworkBackend):
    """Connects to addresses that are allowed, never to a name."""

    def __init__(self, admit: Admit, deadline: _Deadline):
        self._admit, self._deadline, self._plain = admit, deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            admitted = self._admit(host)
        except OSError as problem:
            raise httpcore.ConnectError(str(problem)) from None
        failure: Exception = httpcore.ConnectError(f"{host} does not resolve")
        for address in admitted:
            wait = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                failure = problem
            else:
                return _Stream(stream, self._deadline)
        raise failure

    def sleep(self, seconds: float) -> None:
        clock.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection on which nothing waits beyond the deadline."""

    def __init__(self, plain: httpcore.NetworkStream, deadline: _Deadline):
        self._plain, self._deadline = plain, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.start_tls(ssl_context, server_hostname, wait), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

    def close(self) -> None:
        self._plain.close()


class _Body(httpx.SyncByteStream):
    """A body as it arrives; failures are exceptions of httpx."""

    def __init__(self, answer: httpcore.Response):
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise exceptions of httpcore as those of httpx with the same name."""
    try:
        yield
    except tuple(_NAMED) as problem:
        ours = next(ours for theirs, ours in _NAMED.items() if isinstance(problem, theirs))
        raise ours(str(problem)) from None


_NAMED: dict[type[Exception], type[httpx.HTTPError]] = {
    getattr(httpcore, name): getattr(httpx, name)
    for name in (
        *("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "ConnectError", "ReadError"),
        *("WriteError", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"),
    )
} | {httpcore.ProtocolError: httpx.RemoteProtocolError}
"""Subclasses come before their base class."""
