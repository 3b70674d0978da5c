"""One running payer for each test worker; each test has a session of its own in it."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from support import stores
from support.running import PATIENCE, library, listening
from support.smart_app import MakeApp, SmartApp

from sandbox.core.clock import SystemClock, anchor
from sandbox.settings import Settings

ssl.create_default_context = cache(ssl.create_default_context)
# httpx reads the trust store for each new client, which takes longer than most requests here.
vars(httpx.get.__kwdefaults__["timeout"]).update(vars(httpx.Timeout(PATIENCE)))
# httpx gives up after five seconds by default, and a busy machine may need more.


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all test workers share."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "shared"


@pytest.fixture(scope="session")
def library_file(shared_home: Path) -> Path:
    """The default population, built once."""
    return library(shared_home, Settings(), anchor(SystemClock()))


@pytest.fixture(scope="session")
def library_place(shared_home: Path, library_file: Path) -> str:
    """The same where this run keeps its libraries."""
    if not stores.DATABASE:
        return str(library_file)
    return str(library(shared_home, Settings(store=stores.DATABASE), anchor(SystemClock())))


@pytest.fixture(scope="session")
def env(shared_home: Path, library_file: Path) -> dict[str, str]:
    """The environment of a user whose cache holds the default population already."""
    return {**os.environ, "PAYER_SANDBOX_CACHE": str(shared_home)}


@pytest.fixture(scope="session")
def settings(library_place: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    ledger = stores.ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
    return Settings(library=library_place, ledger=ledger)


@pytest.fixture(scope="session")
def origin(settings: Settings) -> Iterator[str]:
    """The origin of a payer that listens for the whole session."""
    with listening(settings) as where:
        yield where


@pytest.fixture(scope="session")
def payer_origin(origin: str) -> str:
    """The plugin's `payer` fixture uses the payer of this test run."""
    return origin


@pytest.fixture
def session_name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", request.node.name)[:64]


@pytest.fixture
def make_app(origin: str, session_name: str) -> Iterator[MakeApp]:
    """Makes apps at this test's own payer: `make_app("rate-limited", client_id=…)`."""
    apps: list[SmartApp] = []

    def make(scenario: str = "baseline", **options: object) -> SmartApp:
        apps.append(SmartApp(f"{origin}/s/{scenario}~{session_name}", **options))  # type: ignore[arg-type]
        return apps[-1]

    yield make
    for app in apps:
        app.close()


@pytest.fixture
def app(make_app: MakeApp) -> SmartApp:
    """An app at the baseline payer, nobody signed in."""
    return make_app()


@pytest.fixture
def maria(app: SmartApp) -> SmartApp:
    """The same, connected by the first named member."""
    return app.connect("maria")
