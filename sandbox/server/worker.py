"""gunicorn's worker: it keeps the processes, the server in each of them is ours."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

from gunicorn.workers.base import Worker

from sandbox.server.runner import PayerServer


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
        # What is loaded by now stays. Looking through it for garbage would stop all threads for a while.
        gc.collect()
        gc.freeze()
        tls = None
        if self.cfg.is_ssl:
            from gunicorn.sock import ssl_context

            tls = ssl_context(self.cfg)
        server = self.server = PayerServer(self.wsgi, self.cfg.threads, tls)
        server.config.callback_notify = self._watch_parent
        server.config.timeout_notify = 1
        self._pass_on()
        server.run_on([listener.sock for listener in self.sockets])

    async def _watch_parent(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            self._stop(signal.SIGTERM, None)
