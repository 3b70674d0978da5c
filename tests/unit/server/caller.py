"""A caller of the gateway: a connection without a socket, driven byte by byte in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from support.virtual_time import InlineExecutor

from sandbox.server.protocol import Connection, ConnectionState
from sandbox.server.runner import PayerServer


class Wire(asyncio.Transport):
    """A transport that keeps what is written. `reads`: whether the caller takes what we send."""

    def __init__(self, reads: bool = True):
        super().__init__()
        self.written, self.unread, self.reads = b"", 0, reads
        self.closed_at: float | None = None
        self.aborted = False
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 8080)}.get(name, default)

    def write(self, data: Any) -> None:
        if self.closed_at is not None:
            return
        self.written += bytes(data)
        if not self.reads:
            self.unread += len(data)
            if self.unread > 65_536:
                self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def close(self) -> None:
        if not self.unread:
            self._end()

    def abort(self) -> None:
        self.aborted = True
        self._end()

    def _end(self) -> None:
        if self.closed_at is None:
            loop = asyncio.get_running_loop()
            self.closed_at = loop.time()
            loop.call_soon(self.protocol.connection_lost, None)

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Server:
    """A server for callers without sockets. `app` is a WSGI app; threads run inline."""

    def __init__(self, app: Callable[..., Iterable[bytes]], threads: int = 8, connections: int = 1000):
        self.server = PayerServer(app, threads)
        self.gateway = self.server.gateway
        self.threads, self.health = InlineExecutor(), InlineExecutor()
        self.gateway._threads = self.threads  # type: ignore[assignment]
        self.gateway._health = self.health  # type: ignore[assignment]
        self.gateway._costly._threads = InlineExecutor()  # type: ignore[assignment]
        self.state = ConnectionState(connections)

    def connect(self, *, reads: bool = True) -> Caller:
        wire = Wire(reads)
        connection = Connection(self.server.config, self.state, {}, asyncio.get_running_loop())
        wire.protocol = connection
        connection.connection_made(wire)
        return Caller(wire, connection)


class Caller:
    """One end of a connection."""

    def __init__(self, wire: Wire, connection: Connection):
        self.wire, self._connection = wire, connection

    async def send(self, data: bytes, each: int = 0, pause: float = 0) -> None:
        """Send bytes, at once or `each` so many with a `pause` between, while the server listens."""
        for at in range(0, len(data), each or len(data)):
            if self.wire.closed_at is not None:
                return
            self._connection.data_received(data[at : at + (each or len(data))])
            await asyncio.sleep(pause)

    async def get(self, path: str, *headers: str) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    def look_away(self) -> None:
        """See nothing of what the server sends from now on."""
        self.wire.closed_at = self.wire.closed_at or 0.0

    def leave(self) -> None:
        self._connection.connection_lost(None)

    def send_no_more(self) -> bool | None:
        return self._connection.eof_received()

    @property
    def status(self) -> int:
        """Of the first answer; 0: there is none."""
        return int(self.wire.written[9:12] or 0)

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.wire.written.split(b"HTTP/1.1 ")[1:]]

    @property
    def body(self) -> bytes:
        return self.wire.written.partition(b"\r\n\r\n")[2]
