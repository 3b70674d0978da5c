"""`serve`: prepare library and ledger, take the port, run the server, say where everything is."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask

from sandbox import __version__
from sandbox.apis.discovery import published
from sandbox.auth.clients.client import load as load_clients
from sandbox.core.clock import SystemClock, anchor
from sandbox.core.errors import FileProblem, UsageError
from sandbox.core.files import make_private_folder
from sandbox.core.members import Account
from sandbox.core.payer import BASELINE
from sandbox.core.text import escape, quantity
from sandbox.faults.catalog import Catalog
from sandbox.population.build_library import Progress, place, prepared
from sandbox.population.cache_folder import with_cache
from sandbox.server import tls
from sandbox.server.app import check_public_url, create_app, load_catalogue
from sandbox.server.request_log import open_request_log
from sandbox.server.runner import BACKLOG, PayerServer, freeze_loaded
from sandbox.settings import Settings, host_policy, listening_url, unknown_variables
from sandbox.store import address
from sandbox.store.ledger.database import Ledger
from sandbox.store.library import read
from sandbox.store.library.read import SqlLibrary

SHOWN = 5
"""Variables that a warning names."""

MANY = 50
"""Members for whom further processes earn the time that they take to start."""


def parse_day(text: str, option: str) -> date:
    """Return the day that an option names. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is a day such as 2026-01-31, not {text!r}") from None


def anchor_day(settings: Settings) -> date:
    """The day the data is built around. Raises UsageError for a `--today` that is no date."""
    if not settings.today:
        return anchor(SystemClock())
    day = parse_day(settings.today, "--today")
    if not 2016 <= day.year <= 2100:
        raise UsageError(f"--today lies between 2016 and 2100, not in {day.year}")
    return day


def serve(settings: Settings, progress: Progress, say: Callable[[str], None]) -> None:
    """Run until stopped. Raises UsageError for a busy port, an unknown scenario, unreadable input."""
    if strange := unknown_variables():
        more = f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else ""
        say(f"warning: there are no settings of these names: {escape(', '.join(strange[:SHOWN]))}{more}")
    day = anchor_day(settings)
    check_public_url(host_policy(settings))
    run = _find_server(settings.workers, say)
    # What is wrong with these is told before a build.
    catalog = load_catalogue(settings)
    load_clients(settings.fixtures / "clients.yaml")
    settings = with_certificate(with_cache(settings, say), catalog, say)
    with _listen(settings) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        if settings.today:
            # A payer built around another day lives on that day: its clock starts there.
            settings = replace(settings, ahead_days=(day - SystemClock().now().date()).days)
        settings = replace(settings, ledger=str(_ledger(settings)))
        settings = replace(settings, library=str(_library(settings, day, progress, say)))
        app = create_app(settings, catalog=catalog, request_log=open_request_log(settings.log, sys.stdout))
        run(app, settings, listener, lambda: say(banner(settings)))


def _find_server(workers: int, say: Callable[[str], None]) -> Callable[..., None]:
    """Return what runs the app: gunicorn, or this process where gunicorn cannot run: on Windows."""
    try:
        from sandbox.server.worker import run_workers
    except ImportError as problem:
        if workers > 1:
            say(f"warning: gunicorn cannot run here ({problem}): one process serves, not {workers}")
        return _run_alone
    return run_workers


def _run_alone(app: Flask, settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve in this process until a signal. `ready` is called just before."""
    context = None
    if settings.tls:
        context = tls.server_context(Path(settings.tls_cert), Path(settings.tls_key))
    freeze_loaded()
    server = PayerServer(app, settings.threads, context)

    def stop(number: int, frame: Any) -> None:
        server.force_exit = number != signal.SIGTERM
        server.should_exit = True

    for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGBREAK"):  # Windows has no SIGQUIT, but Ctrl-Break
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    ready()
    server.run_on([listener])


def with_certificate(settings: Settings, catalog: Catalog, say: Callable[[str], None]) -> Settings:
    """The settings with the two files that TLS needs, when it is wanted.

    The server's own scenario may want a certificate that clients refuse. Raises UsageError.
    """
    certificate = catalog.parse(settings.scenario).payer(BASELINE).certificate
    if not settings.tls:
        if certificate != "valid":
            say(f"warning: the scenario {settings.scenario} acts only with --tls")
        return settings
    if settings.tls_cert and certificate != "valid":
        raise UsageError(f"the scenario {settings.scenario} makes its own certificate: leave --tls-cert out")
    if settings.tls_cert:
        pair = tls.check_pair(Path(settings.tls_cert), Path(settings.tls_key))
    elif certificate != "valid":
        pair = tls.invalid(settings.cache, _names(settings), SystemClock(), certificate)
    else:
        pair = tls.own(settings.cache, _names(settings), SystemClock())
    return replace(settings, tls_cert=str(pair[0]), tls_key=str(pair[1]))


def _names(settings: Settings) -> list[str]:
    """The host names that a certificate of our own has beside loopback."""
    policy = host_policy(settings)
    public = [policy.public.name] if policy.public else []
    plain = [name for name in policy.allowed if name != "*" and not name.startswith(".")]
    return [settings.host, *public, *sorted(plain)]


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as problem:
        # gaierror numbers are not errno's, and create_server lengthens the text of the others.
        number = getattr(problem, "errno", None)
        why = os.strerror(number) if number and number > 0 else str(problem)
        where = f"{settings.host}:{settings.port}"
        raise UsageError(f"cannot listen on {where}: {why} (another port: --port N, or 0)") from None


def _library(settings: Settings, day: date, progress: Progress, say: Callable[[str], None]) -> str | Path:
    """Return the library of these settings: from the cache or the store, or built now, on all cores."""
    cores = os.cpu_count() or 1
    if cores > 1 and settings.members >= MANY and not settings.data and not read.exists(place(settings, day)):
        from sandbox.population.generate import stock  # the author: a start from the cache needs none of it

        return stock(settings, day, progress, jobs=cores)[0]
    return prepared(settings, day, progress, say)


def _ledger(settings: Settings) -> str | Path:
    """A ledger that starts empty, or the one that --store keeps. Raises FileProblem."""
    if address.is_url(settings.store):
        return address.within(settings.store, "ledger")
    if settings.store:
        path = Path(settings.store) / "ledger.db"
        try:
            make_private_folder(path.parent)
        except OSError as problem:
            raise FileProblem(f"{path.parent}: {problem.strerror or problem}") from None
        Ledger(path).close()
        return path
    make_private_folder(settings.cache, tighten=True)
    path = settings.cache / f"ledger-{settings.port}.db"
    ledger = Ledger(path)
    ledger.clear()
    ledger.close()
    return path


def banner(settings: Settings) -> str:
    """Where everything is, in at most 16 lines."""
    public = host_policy(settings).public
    base = str(public or listening_url(settings))
    accounts = SqlLibrary(settings.library).accounts()
    apis = published()
    fhir = base + apis["patient_access"].prefix
    rows = [
        ("FHIR base", fhir),
        ("SMART", f"{fhir}/.well-known/smart-configuration"),
        ("Client id", "sandbox-app  (public, PKCE, any loopback redirect URI)"),
        *_people(list(accounts.values())),
        ("Developers", base + apis["developer"].prefix),
        ("Console", base + apis["console"].prefix),
        ("Control", f"{base}{apis['control'].prefix}/clock"),
        ("Score it", f"payer-sandbox score {fhir}"),
    ]
    if public:
        rows.append(("Listens on", listening_url(settings)))
    if settings.tls:
        trusted = tls.trust(Path(settings.tls_cert))
        rows.append(("Trust", f"export SSL_CERT_FILE={trusted}  (or curl --cacert)"))
    who = f"{quantity(len(accounts), 'member')}, scenario {settings.scenario}"
    head = f"payer-sandbox {__version__}: {who}. Ctrl-C stops it."
    return "\n".join([head, *(f"  {name:<11}{text}" for name, text in rows)])


def _people(accounts: list[Account]) -> list[tuple[str, str]]:
    """Whom to sign in as."""
    if not accounts:
        return [
            ("Member", "nobody can sign in; a backend service reads this data: payer-sandbox token --system")
        ]
    # One member for each of the first three things people try.
    first = [
        next((a for a in accounts if a.role == r), None) for r in ("eligible", "ineligible", "not-opted-in")
    ]
    return [("Member", f"{a.username} / {a.password}  ({a.purpose})") for a in first if a]
