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

    server: PayerServer

    def init_signals(self) -> None:
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: Any) -> None:
        self.server.force_exit = number != signal.SIGTERM
        self.server.should_exit = True

    def run(self) -> None:
        # What is loaded by now stays. Looking through it for garbage would stop all threads for a while.
        gc.collect()
        gc.freeze()
        tls = None
        if self.cfg.is_ssl:
            from gunicorn.sock import ssl_context

            tls = ssl_context(self.cfg)
        self.server = PayerServer(self.wsgi, self.cfg.threads, tls)
        self.server.config.callback_notify = self._watch_parent
        self.server.config.timeout_notify = 1
        self.server.run_on([listener.sock for listener in self.sockets])

    async def _watch_parent(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            self.server.should_exit = True
