"""A payer inside this process, on a free port: what test suites run against."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flask import Flask

from sandbox.core.clock import SystemClock, anchor
from sandbox.core.files import make_private_folder
from sandbox.core.part_file import exclusive
from sandbox.population.build_library import prepared
from sandbox.population.cache_folder import with_cache
from sandbox.server.app import create_app, load_catalogue
from sandbox.server.runner import running
from sandbox.settings import Settings


def with_library(settings: Settings) -> Settings:
    """The same settings with a library: found in the cache, or built there by one process of many."""
    if settings.library:
        return settings
    if settings.own_scenarios:
        load_catalogue(settings)  # what is wrong with it is told before a build
    settings = with_cache(settings, lambda text: None)
    make_private_folder(settings.cache)
    with exclusive(settings.cache / "lock"):
        path = prepared(settings, anchor(SystemClock()), lambda *counts: None)
    return replace(settings, library=str(path))


@contextmanager
def listening(settings: Settings, ledger: Path) -> Iterator[str]:
    """The payer of these settings, on loopback and under no other name, whatever the environment says
    of a hosted one. Yields its origin (http://127.0.0.1:port)."""
    settings = replace(settings, host="127.0.0.1", public_url="")
    with serving(create_app(replace(with_library(settings), ledger=str(ledger)))) as where:
        yield where


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """An app on a free port. Yields its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running(app, listener):
            yield f"http://127.0.0.1:{port}"
