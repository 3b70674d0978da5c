"""Waiting as data: how the WSGI app tells its server to wait before it goes on.

A request handler never sleeps, since it would hold a thread. It leaves a `Wait` in the WSGI environ
under `WAIT`, or yields a `Pause` in the middle of a body, and the server waits without a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

WAIT = "sandbox.wait"
"""In the environ, set by the app: what the server has to do before it sends the response."""
HANDLED = "sandbox.waits_handled"
"""In the environ, set by the server: that it looks at `WAIT`. Otherwise the app waits by itself."""
FIRST_RUN = "sandbox.first_run"
"""In the environ of a request that runs again: the stopwatch's reading when it ran first."""
FETCHED = "sandbox.fetched"
"""Likewise: the documents that were fetched for it, by URL (`core.outbound.Outcome`)."""

CALLER = "sandbox.caller"
"""In the environ, set by the app: the address of the caller where a trusted proxy says it."""

LONGEST = 120.0
"""Seconds that one response may be delayed in all, however many delays it holds."""


@dataclass(frozen=True)
class DelayedResponse:
    """The response goes out this many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Retry:
    """There is no answer yet: the same request runs again after this many seconds."""

    seconds: float


@dataclass(frozen=True)
class Fetch:
    """A document of another server is needed first; the request runs again with the outcome.
    `loopback`: whether that server may be on this machine."""

    url: str
    loopback: bool


Wait = DelayedResponse | Retry | Fetch


class Pause(bytes):
    """A chunk of a body: the rest goes out `seconds` later. It is empty, so that a server which does
    not know it sends nothing for it."""

    seconds: float

    def __new__(cls, seconds: float) -> Pause:
        chunk = super().__new__(cls)
        chunk.seconds = seconds
        return chunk
