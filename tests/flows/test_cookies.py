"""Cookies do not know ports: two servers on one host, or two payers of one, must not take each other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from support import stores
from support.running import listening
from support.smart_app import SmartApp, hidden

from sandbox.settings import Settings


@pytest.fixture
def second_origin(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """Another server on the same host."""
    with listening(replace(settings, ledger=stores.ledger(tmp_path / "second.db"))) as where:
        yield where


@contextmanager
def in_one_browser(*bases: str) -> Iterator[list[SmartApp]]:
    """Apps at several payers, connected by the same browser."""
    apps = [SmartApp(base) for base in bases]
    for app in apps[1:]:
        app.browser.close()
        app.browser = apps[0].browser
    try:
        yield apps
    finally:
        for app in apps:
            app.close()


def sign_in(app: SmartApp, username: str) -> None:
    form = hidden(app.browser.get(f"{app.base}/portal"))
    form |= {"username": username, "password": f"{username}-pass"}
    app.browser.post(f"{app.base}/portal/login", data=form)


@pytest.mark.parametrize("path", ["", "/s/baseline~cookies"])
def test_two_servers_on_one_host_keep_their_members_apart(origin: str, second_origin: str, path: str) -> None:
    with in_one_browser(origin + path, second_origin + path) as (first, second):
        sign_in(first, "maria")
        sign_in(second, "walter")
        assert "Hello, Maria" in first.browser.get(f"{first.base}/portal").text
        assert "Hello, Walter" in second.browser.get(f"{second.base}/portal").text
        page = first.follow(first.authorize())
        assert "code" in first.decide(page, {"decision": "allow"})
        first.browser.get(f"{first.base}/portal?lang=es")
        assert 'lang="es"' in first.browser.get(f"{first.base}/portal").text[:40]
        assert 'lang="en"' in second.browser.get(f"{second.base}/portal").text[:40]


def test_payers_of_one_server_keep_them_apart_by_path(origin: str, session_name: str) -> None:
    bases = [f"{origin}/s/{scenario}~{session_name}" for scenario in ("baseline", "rate-limited")]
    with in_one_browser(*bases) as (first, second):
        sign_in(first, "maria")
        sign_in(second, "walter")
        assert "Hello, Maria" in first.browser.get(f"{first.base}/portal").text
        assert "Hello, Walter" in second.browser.get(f"{second.base}/portal").text


def test_a_cookie_outlives_a_restart_and_another_port(settings: Settings, tmp_path: Path) -> None:
    """Its name comes with the ledger, whatever address a proxy or a new port gives the server."""
    kept = replace(settings, ledger=stores.ledger(tmp_path / "kept.db"))
    jar = httpx.Cookies()
    for number in range(2):
        with listening(kept) as origin, SmartApp(origin) as app:
            app.browser.cookies = jar
            if number == 0:
                sign_in(app, "maria")
            assert "Hello, Maria" in app.browser.get(f"{origin}/portal").text
            jar = app.browser.cookies
