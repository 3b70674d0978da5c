"""Worker processes: gunicorn keeps them, the server in each of them is ours. Not for Windows."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from sandbox.server.runner import GRACE_SECONDS, PayerServer, freeze_loaded
from sandbox.server.tls import server_context
from sandbox.settings import Settings


def run_workers(app: Flask, settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve with gunicorn until stopped. `ready` is called when workers are about to start."""
    _Gunicorn(app, settings, listener, ready).run()


class GatewayWorker(Worker):  # type: ignore[misc]  # gunicorn carries no types
    """A worker process that serves the WSGI app through the gateway."""

    server: PayerServer | None = None
    at_once = False
    """Whether to stop without waiting for the requests that run."""

    def init_signals(self) -> None:
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: Any) -> None:
        """Stop, also when the signal comes before there is a server."""
        self.alive = False
        self.at_once = number != signal.SIGTERM
        self._pass_on()

    def _pass_on(self) -> None:
        if self.server is not None and not self.alive:
            self.server.force_exit = self.at_once
            self.server.should_exit = True

    def run(self) -> None:
        freeze_loaded()
        tls = None
        if self.cfg.is_ssl:
            tls = server_context(Path(self.cfg.certfile), Path(self.cfg.keyfile))
        server = self.server = PayerServer(self.wsgi, self.cfg.threads, tls)
        server.config.callback_notify = self._watch_parent
        server.config.timeout_notify = 1
        self._pass_on()
        server.run_on([listener.sock for listener in self.sockets])

    async def _watch_parent(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            self._stop(signal.SIGTERM, None)


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn, which keeps the processes. The app is built before the fork, its connections opened
    after it."""

    def __init__(self, app: Any, settings: Settings, listener: socket.socket, ready: Callable[[], None]):
        self._app, self._settings, self._ready = app, settings, ready
        self._listener = listener.detach()  # gunicorn closes it
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"fd://{self._listener}",
            "worker_class": GatewayWorker,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "timeout": 0,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "preload_app": True,
            "when_ready": lambda server: self._ready(),
            "post_fork": lambda server, worker: self._after_fork(worker),
        }
        if self._settings.tls:
            options |= {"certfile": self._settings.tls_cert, "keyfile": self._settings.tls_key}
        if "control_socket_disable" in self.cfg.settings:  # gunicorn 25 and later open one
            options["control_socket_disable"] = True
        for name, value in options.items():
            self.cfg.set(name, value)

    def _after_fork(self, worker: GatewayWorker) -> None:
        worker.init_signals()  # so that a signal ends the worker from its first moment
        self._app.extensions["after_fork"]()

    def load(self) -> Any:
        return self._app
