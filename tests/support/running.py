"""A payer that really listens: the app behind a threaded server, or `payer-sandbox serve` itself."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.core.clock import Clock
from sandbox.population.build_library import prepared
from sandbox.server.app import create_app
from sandbox.server.embedded import serving
from sandbox.settings import Settings

PATIENCE = 600.0
"""Seconds after which something hangs, also on a machine that is very busy."""
COMMAND = [sys.executable, "-m", "sandbox.cli.main"]


def library(home: Path, settings: Settings, today: date) -> Path:
    """The library of these settings, built once for all test workers."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return prepared(replace(settings, cache=home), today, lambda *counts: None)


@contextmanager
def listening(settings: Settings, clock: Clock | None = None) -> Iterator[str]:
    """The app on a free port, in this process. Yields its origin."""
    with serving(create_app(settings, clock)) as where:
        yield where


@contextmanager
def started(
    command: Sequence[str], *, ctrl_c: bool = False, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, which is gone afterwards however the test ends.

    `ctrl_c` lets it hear SIGINT and SIGHUP, which the test run itself may have been started to ignore.
    """
    heed = _heed if ctrl_c else None
    process = subprocess.Popen(command, text=True, start_new_session=True, preexec_fn=heed, **options)
    try:
        yield process
    finally:
        stop(process)


def _heed() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def stop(process: subprocess.Popen[str]) -> None:
    """End a program that leads its process group: politely, then by force, with all its children."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            stream.close()


@contextmanager
def served(
    *flags: str, env: dict[str, str], trust: Path | None = None, printed: list[str] | None = None
) -> Iterator[str]:
    """`payer-sandbox serve --port 0 …` as a user would run it. Yields its origin; stops it by SIGTERM.
    `trust`: the certificate to believe when it serves TLS. `printed` gets what it said meanwhile."""
    command = [*COMMAND, "serve", "--port", "0", *flags]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as process:
        yield _origin(process, trust)
        process.terminate()
        rest, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (process.returncode, rest)
        assert "Traceback" not in rest, rest
        if printed is not None:
            printed.append(rest)


def exchange_bytes(origin: str, request: bytes) -> bytes:
    """The answer to one request as bytes, until the server has no more to say."""
    parts, answer = urlsplit(origin), b""
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as link:
        link.sendall(request)
        while chunk := link.recv(65_536):
            answer += chunk
    return answer


def _origin(process: subprocess.Popen[str], trust: Path | None) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if "FHIR base" in line:
            origin = line.split()[-1].removesuffix("/fhir")
            _wait(f"{origin}/_sandbox/health", trust, process)
            return origin
    raise AssertionError("serve ended without saying where it listens")


def _wait(url: str, trust: Path | None, process: subprocess.Popen[str]) -> None:
    verify = ssl.create_default_context(cafile=trust) if trust else True
    while process.poll() is None:
        try:
            if httpx.get(url, verify=verify).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
