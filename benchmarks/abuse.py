"""What an hour of anonymous abuse leaves behind: bytes of the ledger, rows of each table, memory.

    python benchmarks/abuse.py [--requests 3000] [--minutes 60]

One process, no sockets. For each minute of a clock that the benchmark holds, some thousand requests at full
speed: registrations, pushed requests as large as they may be, sign-ins begun, wrong passwords, unknown
tokens, thousands of parameter names, sessions made up. The callers are a thousand addresses, so that the
quotas of one do not end it; all that is left between them and the disk are the limits of the tables. Then
the last sweeps, as the requests of the next minutes would bring them.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import Client, TestResponse

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.server.app import create_app
from sandbox.server.embedded import with_library
from sandbox.settings import Settings, from_env
from sandbox.store.ledger.repositories.repository import META

REDIRECT = "http://127.0.0.1:9876/callback"
TARGET = 64 << 20
"""Bytes that the ledger may have in the end, its log included."""

Act = Callable[[Client, str, int], TestResponse]


def resident() -> int:
    """Bytes of this process that are in memory (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def request(base: str, length: int, number: int) -> dict[str, str]:
    return {
        "response_type": "code", "client_id": "sandbox-app", "redirect_uri": REDIRECT, "scope": "openid",
        "state": f"{number:08}" + "s" * length, "aud": f"http://localhost{base}/fhir",
        "code_challenge": "c" * 43, "code_challenge_method": "S256",
    }  # fmt: skip


def register(client: Client, base: str, number: int) -> TestResponse:
    contacts = [f"{number}{'x' * 150}"] * 10
    sent = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "contacts": contacts}
    return client.post(f"{base}/auth/register", json=sent)


def push(client: Client, base: str, number: int) -> TestResponse:
    return client.post(f"{base}/auth/par", data=request(base, 8000, number))


def begin(client: Client, base: str, number: int) -> TestResponse:
    return client.get(f"{base}/auth/authorize", query_string=request(base, 2000, number))


def guess(client: Client, base: str, number: int) -> TestResponse:
    return client.post(f"{base}/portal/login", data={"username": f"u{number}", "password": "no", "csrf": "x"})


def knock(client: Client, base: str, number: int) -> TestResponse:
    headers = {"Authorization": f"Bearer {number}{'t' * 500}"}
    return client.get(f"{base}/fhir/Patient?name={number}{'n' * 3000}", headers=headers)


def scatter(client: Client, base: str, number: int) -> TestResponse:
    names = "&".join(f"parameter-{number}-{n}" for n in range(400))
    return client.get(f"{base}/fhir/metadata?{names}")


def invent(client: Client, base: str, number: int) -> TestResponse:
    return client.get(f"/s/~made-up-{number}/fhir/metadata")


ACTS: tuple[Act, ...] = (register, push, begin, guess, knock, scatter, invent)
BASES = ("", "", "", "/s/~shared", "/s/code-works-twice")


def rows(ledger: Any) -> dict[str, int]:
    with ledger._engine.connect() as db:
        counts = {
            name: db.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in META.tables.items()
        }
    return {name: count for name, count in counts.items() if count}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("ledger.db*"))


def callers(app: Any) -> Iterator[Client]:
    for number in itertools.count():
        client = Client(app.wsgi_app, TestResponse, use_cookies=False)
        address = f"10.{number // 250 % 4}.{number % 250}.1"
        open_ = client.open

        def at(*args: Any, open_: Any = open_, address: str = address, **options: Any) -> TestResponse:
            return open_(*args, environ_base={"REMOTE_ADDR": address}, **options)  # type: ignore[no-any-return]

        client.open = at  # type: ignore[method-assign]
        yield client


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000, help="a minute")
    parser.add_argument("--minutes", type=int, default=60)
    asked = parser.parse_args()
    settings: Settings = with_library(from_env())
    folder = Path(tempfile.mkdtemp())
    clock = FrozenClock(SystemClock().now())
    app = create_app(replace(settings, ledger=str(folder / "ledger.db")), clock)
    ledger = app.extensions["wiring"].ledger
    people, statuses, largest = callers(app), Counter[int](), 0
    number, started = 0, time.perf_counter()
    print(f"{'minute':>6} {'requests':>9} {'ledger MB':>10} {'memory MB':>10}")
    for minute in range(asked.minutes + 1):
        if minute in (0, 1, asked.minutes // 2, asked.minutes):
            print(
                f"{minute:>6} {number:>9} {size(folder) / 1e6:>10.1f} {resident() / 1e6:>10.1f}", flush=True
            )
        if minute == asked.minutes:
            break
        for _ in range(asked.requests):
            act = ACTS[number % len(ACTS)]
            statuses[act(next(people), BASES[number // 7 % len(BASES)], number).status_code] += 1
            number += 1
        largest = max(largest, size(folder))
        clock.advance(timedelta(minutes=1))
    seconds = time.perf_counter() - started
    before = rows(ledger)
    for _ in range(5):  # five quiet minutes
        ledger.sweep()
    kept = size(folder)
    print(f"{number} requests in {seconds:.0f} s: {dict(sorted(statuses.items()))}")
    print(f"ledger: {largest / 1e6:.1f} MB at most, {kept / 1e6:.1f} MB after the last sweep")
    print(f"rows before it: {before}\nrows after it:  {rows(ledger)}")
    ok = kept <= TARGET and max(statuses) < 500
    print("as wanted" if ok else f"NOT as wanted: more than {TARGET >> 20} MB, or a 5xx")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
