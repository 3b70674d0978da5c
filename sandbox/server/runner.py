"""The server: uvicorn on given sockets, with our connections, in this thread until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

import uvicorn

from sandbox.server.gateway import Gateway
from sandbox.server.limits import TURN_SECONDS
from sandbox.server.protocol import CONNECTIONS_MAX, SILENT_SECONDS, Connection, ConnectionState

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

KEEP_ALIVE_SECONDS = 75
BACKLOG = 1024
"""Connections that the system keeps for us until they are accepted."""
SEND_BUFFER = 1 << 18
"""Bytes (the system doubles them) that it takes of an answer at once: a page of results, mostly."""
GRACE_SECONDS = 5
"""How long requests may go on when the server is stopped."""
_SPARE_FILES = 64

for _name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class PayerServer(uvicorn.Server):
    """uvicorn's server. Signals are the business of whoever runs it."""

    def __init__(self, app: Callable[..., Iterable[bytes]], threads: int, tls: ssl.SSLContext | None = None):
        self.gateway = Gateway(app, threads)
        config = uvicorn.Config(
            self.gateway,
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        config.ssl = tls
        super().__init__(config)
        self.server_state = ConnectionState(_most_connections())
        self.servers: list[asyncio.base_events.Server] = []

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen on the sockets.

        asyncio accepts as many connections at once as its backlog is long, so that one worker of several
        would get them all: it is told of one, the system of `BACKLOG`.
        """
        loop = asyncio.get_running_loop()
        patience = SILENT_SECONDS if self.config.ssl else None

        def connect() -> Connection:
            return Connection(self.config, self.server_state, {}, loop)

        for listener in sockets or ():
            # Connections inherit these. asyncio sets the second only where a socket names its protocol;
            # without it each answer waits 40 ms for the acknowledgment of its head.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = await loop.create_server(
                connect, sock=listener, ssl=self.config.ssl, backlog=1, ssl_handshake_timeout=patience
            )
            self.servers.append(server)
            listener.listen(BACKLOG)
        self.started = True

    def run_on(self, sockets: Sequence[socket.socket]) -> None:
        """Serve until `should_exit` is set."""
        sys.setswitchinterval(TURN_SECONDS)
        try:
            asyncio.run(self.serve(list(sockets)))
        finally:
            self.gateway.close()


def _most_connections() -> int:
    """As many as are wanted, or as this process may open files for."""
    if resource is None:
        return CONNECTIONS_MAX
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + _SPARE_FILES
    if soft < wanted and (hard == resource.RLIM_INFINITY or hard > soft):
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(CONNECTIONS_MAX, soft - _SPARE_FILES))


def freeze_loaded() -> None:
    """Keep what is loaded by now. Looking through it for garbage would stop all threads for a while."""
    gc.collect()
    gc.freeze()


@contextmanager
def running(app: Callable[..., Iterable[bytes]], listener: socket.socket, threads: int = 8) -> Iterator[None]:
    """Serve in a thread of this process while the block runs, on a loopback socket."""
    server = PayerServer(app, threads)
    thread = Thread(target=server.run_on, args=([listener],), name="payer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.force_exit = server.should_exit = True
        thread.join()
