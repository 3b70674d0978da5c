"""What flows share: a Chromium, and payers of unusual character."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support import stores
from support.running import PATIENCE, listening
from support.smart_app import SmartApp

from sandbox.core.files import json_bytes
from sandbox.server.app import create_app
from sandbox.settings import Settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PACKAGES = Path(__file__).parents[1] / "browser" / "node_modules"

PAYERS: dict[str, dict[str, Any]] = {
    "says-it-on-a-page": {"ineligible_answer": "page"},
    "refuses-the-token": {"ineligible_answer": "refused-token"},
    "waits": {"waiting_days": 36_500},
    "guardians": {"minors": "guardian-only"},
    "approves": {"connection_approval": True},
    "approves-apps": {"registration": "approval"},
    "closed-registration": {"registration": "closed"},
    "portal-by-email": {"developer_portal": "email"},
    "no-developer-portal": {"developer_portal": "none"},
    "pushed-only": {"par": "required"},
    "no-par": {"par": "off"},
    "short-session": {"session_seconds": 60},
    "patient": {"login_failures": 3, "login_failures_per_address": 5, "login_window_seconds": 120},
    "evergreen": {
        "name": "Evergreen <Care>",
        "brand_color": "#7a1f4b",
        "website": "https://evergreen.example",
    },
    "all-types": {"withheld_types": ["Observation"]},
    "closed-to-browsers": {"cors": False},
    "tells-of-others": {"foreign_read": "forbidden", "foreign_search": "empty"},
    "no-test-accounts": {"test_accounts": False},
    "no-sandbox": {"sandbox": False},
    "no-refresh": {"refresh_max_days": None},
    "grace": {"refresh_rotation": "rotate-with-grace", "refresh_grace_seconds": 30},
}
"""Name → what it changes of the character."""


@pytest.fixture(scope="session")
def unusual(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a payer that has every character of PAYERS as a scenario, beside the usual ones."""
    folder = tmp_path_factory.mktemp("characters")
    for name, policies in PAYERS.items():
        scenario = {
            "id": name,
            "title": "Other policies",
            "story": "A test's own.",
            "area": "sign-in",
            "cites": ["rfc6749#section-4.1"],
            "payer": policies,
            "expect": {},
            "shows": [{"get": "metadata", "then": {"status": 200}}],
            "reproduce": f"payer-sandbox serve --scenario {name}",
        }
        (folder / f"{name}.yaml").write_bytes(json_bytes(scenario))
    ledger = stores.ledger(folder / "ledger.db")
    with listening(replace(settings, own_scenarios=str(folder), ledger=ledger)) as origin:
        yield origin


@pytest.fixture
def at(unusual: str, session_name: str) -> Iterator[Callable[..., SmartApp]]:
    """Makes apps at a payer of an unusual character: `at("no-par", client_id=…)`."""
    apps: list[SmartApp] = []

    def make(name: str, **options: Any) -> SmartApp:
        assert name in PAYERS
        apps.append(SmartApp(f"{unusual}/s/{name}~{session_name}", **options))
        return apps[-1]

    yield make
    for app in apps:
        app.close()


@pytest.fixture(scope="module")
def app_of(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Flask]:
    """Makes the app of a payer with other settings, each once: `app_of(host="0.0.0.0")`."""

    @cache
    def make(**changes: Any) -> Flask:
        ledger = stores.ledger(tmp_path_factory.mktemp("app") / "ledger.db")
        return create_app(replace(settings, ledger=ledger, **changes))

    return make


class Chromium:
    """A browser whose pages wait as long as a busy machine needs."""

    def __init__(self, browser: Any):
        self._browser = browser

    def new_context(self, **options: Any) -> Any:
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        return context

    def new_page(self, **options: Any) -> Any:
        page = self._browser.new_page(**options)
        page.set_default_timeout(PATIENCE * 1000)
        return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium (Debian), or install Chrome")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE * 1000)
        yield Chromium(browser)
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    file = PACKAGES / "axe-core" / "axe.min.js"
    if not file.is_file():
        pytest.skip("no axe-core here: run npm install in tests/browser")
    return file.read_text()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
