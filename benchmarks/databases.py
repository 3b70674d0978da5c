"""What an answer costs from PostgreSQL beside the same answer from SQLite files: library and ledger.

    .venv/bin/python benchmarks/databases.py [--members 300] [--rounds 7] [--requests 200]

Starts a PostgreSQL server of its own (Debian's package) on a socket. Both payers are asked in one process
and one thread, in turns, with token check and journal; the answers are compared, but for the signatures
of page links. Prints milliseconds a request (medians) and the median of the rounds'
ratios, PostgreSQL to SQLite, and what building took.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from serving import Ask, asks
from support.stores import DATABASE, ledger, main, place
from werkzeug.test import EnvironBuilder

from sandbox.core.clock import SystemClock, anchor
from sandbox.population.build_library import people
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store.library.write import build

SIGNED = re.compile(rb"_page=[^\"]+")


def answered(app: Callable[..., Any], asked: Ask) -> bytes:
    path, _, query = asked.path.partition("?")
    headers = {"Authorization": f"Bearer {asked.token}", "Accept-Encoding": "identity"}
    environ = EnvironBuilder(path=path, query_string=query, headers=headers).get_environ()
    status: list[str] = []
    body = b"".join(app(environ, lambda told, *_: status.append(told)))
    assert status == ["200 OK"], (asked, status, body[:300])
    return SIGNED.sub(b"", body)


def spent(app: Callable[..., Any], wanted: list[Ask], requests: int) -> float:
    """Milliseconds of a request: the median, which other work on the machine moves least."""
    times = []
    for number in range(requests):
        began = time.perf_counter()
        answered(app, wanted[number % len(wanted)])
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def compare(folder: Path, members: int, rounds: int, requests: int) -> None:
    day: date = anchor(SystemClock())
    made = [(d.account, [r.body for r in d.made]) for d in people(Settings(members=members), day)]
    file, book = folder / "library.db", folder / "ledger.db"
    took = []
    for where in (file, place(file)):
        began = time.perf_counter()
        build(where, made)
        took.append(time.perf_counter() - began)
    held = sum(len(bodies) for _, bodies in made)
    print(f"{members} members, {held} resources: built in {took[0]:.1f} s, {took[1]:.1f} s")
    sqlite = Settings(library=str(file), ledger=str(book))
    server = Settings(library=str(place(file)), ledger=ledger(book))
    wanted = asks(sqlite, str(book), 40)
    asks(sqlite, ledger(book), 40)  # the same tokens there
    apps = create_app(sqlite), create_app(server)
    print(f"{'':12}{'SQLite':>9}{'PostgreSQL':>12}{'ratio':>8}")
    for case, some in wanted.items():
        for asked in some:
            assert answered(apps[0], asked) == answered(apps[1], asked), asked
        times = [[spent(app, some, requests) for app in apps] for _ in range(rounds)]
        files, servers = zip(*times, strict=True)
        ratio = statistics.median(b / a for a, b in times)
        print(
            f"{case:12}{statistics.median(files):>6.2f} ms{statistics.median(servers):>9.2f} ms{ratio:>8.2f}"
        )


def run() -> int:
    if not DATABASE:
        return main([sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]])
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--members", type=int, default=300)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--requests", type=int, default=200)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), asked.members, asked.rounds, asked.requests)
    return 0


if __name__ == "__main__":
    sys.exit(run())
