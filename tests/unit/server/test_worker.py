"""A gunicorn worker that is told to stop before it serves."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
from gunicorn.config import Config

from sandbox.server import runner
from sandbox.server.runner import PayerServer
from sandbox.server.worker import GatewayWorker

Start = Callable[[Callable[[GatewayWorker], Any]], list[PayerServer]]


@pytest.fixture(name="starting")
def _starting(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Runs a worker and something while it collects garbage, before its server is made. Tells the servers
    that listened."""
    ran: list[PayerServer] = []
    monkeypatch.setattr(PayerServer, "run_on", lambda self, sockets: ran.append(self))
    monkeypatch.setattr(runner.gc, "freeze", lambda: None)

    def start(meanwhile: Callable[[GatewayWorker], Any]) -> list[PayerServer]:
        with socket.socket() as listener:
            one = GatewayWorker(1, 1, [], None, 30, Config(), None)
            one.wsgi = lambda environ, start_response: []
            one.sockets = [type("Listener", (), {"sock": listener})]
            monkeypatch.setattr(runner.gc, "collect", lambda: meanwhile(one))
            one.run()
            one.tmp.close()
        return ran

    return start


@pytest.mark.parametrize(("number", "at_once"), [(signal.SIGTERM, False), (signal.SIGQUIT, True)])
def test_a_signal_before_the_server_is_there_stops_it(starting: Start, number: int, at_once: bool) -> None:
    (server,) = starting(lambda one: one._stop(number, None))
    assert server.should_exit
    assert server.force_exit == at_once


def test_without_a_signal_it_serves(starting: Start) -> None:
    (server,) = starting(lambda one: None)
    assert not server.should_exit
