"""Holding a server up: with calls that wait, long polls, slow keys, bytes that drip."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from attacks.breach import Scene, held, undefended
from attacks.services import RSA, Service
from support.web_server import web_server
from unit.auth.keyring import signed

from sandbox.apis.control import routes
from sandbox.apis.patient_access import batch
from sandbox.apis.smart import lookups
from sandbox.auth.clients import remote_keys
from sandbox.core.waits import DelayedResponse, Retry
from sandbox.faults.effects.base import World
from sandbox.server import gateway, protocol
from sandbox.server.protocol import Connection

pytestmark = pytest.mark.slow

CALLERS = 16
"""Twice as many as the server of the tests has threads."""
FEW = gateway.FETCHES.per_caller
SECONDS = 0.3


@contextmanager
def _waits() -> Iterator[list[Any]]:
    """Every wait for which a thread of the server was given back."""
    run, waits = gateway._run, []

    def recorded(*args: Any) -> Any:
        result = run(*args)
        if result.wait is not None and result.wait != Retry(0):
            waits.append(result.wait)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "_run", recorded)
        yield waits


def _give_threads_back(slow: Callable[[int], Any], callers: int = CALLERS) -> bool:
    """Whether slow calls give the threads of the server back while they wait."""
    with _waits() as waits, ThreadPoolExecutor(callers) as pool:
        list(pool.map(slow, range(callers)))
    return len(waits) >= callers


def _sleep_in_thread(world: World, seconds: float) -> None:
    time.sleep(seconds)


@undefended(World, wait=_sleep_in_thread)
def test_waiting_for_slow_responses(scene: Scene) -> None:
    app = scene.make(f"slow-responses,seconds={SECONDS}")
    held(_give_threads_back(lambda _: app.http.get(f"{app.base}/fhir/metadata")), "every thread, by waiting")


@undefended(batch, DelayedResponse=int)
def test_multiplying_a_wait_by_a_batch(scene: Scene) -> None:
    """The delays of a batch are one delay of the batch: without this line of it they are lost, and the
    batch is quicker than its parts."""
    app = scene.make("slow-responses,seconds=0.1").connect("maria")
    with _waits() as waits:
        answer = app.batch(*["metadata"] * 3)
    assert answer.status_code == 200
    delay = sum(wait.seconds for wait in waits if isinstance(wait, DelayedResponse))
    held(delay == pytest.approx(0.3), "answers without the scenario's delay")


def _sleeps(seconds: float) -> Retry:
    time.sleep(seconds)
    return Retry(0)


@undefended(routes, Retry=_sleeps, _POLL=SECONDS)
def test_polling_the_journal_from_many_pages(scene: Scene) -> None:
    app = scene.make()
    poll = f"{app.base}/_sandbox/journal?after=0&wait=2&status=418"
    app.get("metadata")
    held(_give_threads_back(lambda _: app.http.get(poll)), "every thread, by polling")


@undefended(lookups, remote_keys, keys_to_fetch=lambda desk, assertion: None, SECONDS=SECONDS)
def test_publishing_keys_that_drip(scene: Scene) -> None:
    """A byte now and then: each read is quick, and the answer has no end."""
    app, ended = scene.make(), threading.Event()
    drops = lambda: iter(lambda: b"" if ended.wait(0.1) else b" ", b"")  # noqa: E731
    with web_server(lambda request, body: (200, {}, drops())) as site:
        services = [Service(app, jwks_uri=f"{site}/{number}") for number in range(FEW)]

        def authenticate(number: int) -> httpx.Response:
            service = services[number]
            return service.token(signed(service.claims(), RSA, "RS384"))

        held(_give_threads_back(authenticate, FEW), "threads, by publishing slowly")
        ended.set()


_POST = b"POST /auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_endless = threading.Event()
"""A connection without a deadline began."""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /fhir/metadata HT", id="head"),
        pytest.param(_POST + b"Content-Length: 9\r\n\r\nx", id="body"),
    ],
)
@undefended(Connection, _start_deadline=lambda self, seconds: _endless.set())
def test_keeping_a_connection_without_a_request(scene: Scene, data: bytes) -> None:
    parts = urlsplit(scene.make().base)
    before = protocol.SILENT_SECONDS, protocol.REQUEST_SECONDS
    protocol.SILENT_SECONDS = protocol.REQUEST_SECONDS = 0.3
    try:
        _endless.clear()
        with socket.create_connection((parts.hostname, parts.port), timeout=0.1) as link:
            link.sendall(data)
            ended = False
            while not ended and not _endless.is_set():
                with suppress(TimeoutError):
                    ended = not link.recv(4096)
    finally:
        protocol.SILENT_SECONDS, protocol.REQUEST_SECONDS = before
    held(ended, "a connection for as long as they like")
