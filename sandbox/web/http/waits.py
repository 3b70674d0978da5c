"""Waits for the app where the WSGI server does not: each wait holds the thread of its request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.core.clock import sleep, stopwatch
from sandbox.core.waits import FIRST_RUN, HANDLED, WAIT, DelayedResponse, Pause, Retry

WsgiApp = Callable[..., Iterable[bytes]]


class BlockingWaits:
    """WSGI, around the whole app. It does nothing where the server waits itself."""

    def __init__(self, app: WsgiApp):
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if HANDLED in environ:
            return self._app(environ, start_response)
        environ[FIRST_RUN] = stopwatch()
        original = dict(environ)
        while True:
            heads: list[tuple[Any, ...]] = []
            chunks = self._app(environ, lambda *head, heads=heads: heads.append(head))
            wait = environ.pop(WAIT, None)
            if isinstance(wait, DelayedResponse | Retry):
                sleep(wait.seconds)
            if not isinstance(wait, Retry):
                start_response(*heads[-1])
                return _Paused(chunks)
            environ.clear()
            environ.update(original)


class _Paused:
    """A body whose pauses are slept through."""

    def __init__(self, chunks: Iterable[bytes]):
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if isinstance(chunk, Pause):
                sleep(chunk.seconds)
            else:
                yield chunk

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
