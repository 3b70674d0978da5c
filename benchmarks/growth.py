"""Whether a page of 50 claims costs the same however many members there are.

    .venv/bin/python benchmarks/growth.py [--sizes 1000,10000,100000] [--made 10000]

Builds a library of each size, unless it is there, and says how fast and how large it became. Beyond
`--made` members a library is not generated but multiplied: the largest generated one again and again, each
time under other ids (the bodies are copied as they are), which takes minutes instead of an hour.

Then members who have 50 claims or more are drawn at random and asked for one page each, never the same
again, so that nothing is remembered; the sizes take turns. In process: the search and its Bundle, by
the clock and by the processor's time, which other work on the machine moves less. Over HTTP: gunicorn
(gthread, one worker for each size, on core 0), with token, scopes and journal on.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
from serving import EOB, PORTS, SCOPE, memory, running
from sqlalchemy import text
from sqlalchemy.schema import CreateTable

from sandbox.auth.tokens.access_token import Access
from sandbox.core.clock import SystemClock, anchor
from sandbox.core.files import json_bytes, json_value
from sandbox.core.gates import OPEN, Facts
from sandbox.core.payer import BASELINE
from sandbox.fhir import bundle
from sandbox.fhir.reader import Reader
from sandbox.fhir.search.query import parse
from sandbox.population.build_library import place
from sandbox.population.generate import stock
from sandbox.settings import Settings
from sandbox.store import address
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.grants import Grant, Token
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.schema import META, NUMBERS, VIEWED
from sandbox.store.secret import digest

PAGE = [("_count", "50")]
TURN = 20
"""Pages that one size answers before it is another's turn."""


# --- libraries ----------------------------------------------------------------------------------------


def library_of(members: int, made: int, store: str, there: dict[int, Path]) -> Path:
    """The library of so many members, built here if it is not there yet."""
    if members in there:
        return there[members]
    settings = Settings(members=members, store=store)
    path = Path(place(settings, anchor(SystemClock())))
    if not path.is_file():
        started = time.perf_counter()
        if members <= made:
            stock(settings, anchor(SystemClock()), _told(members), jobs=os.cpu_count() or 1)
        else:
            multiply(library_of(made, made, store, there), path, -(-members // made))
        took = time.perf_counter() - started
        how = "generated" if members <= made else "multiplied"
        print(f"{members} members {how} in {took:.0f} s: {members / took:.0f}/s", flush=True)
    return path


def _told(members: int) -> Callable[[int], None]:
    if not sys.stderr.isatty():
        return lambda done: None
    return lambda done: print(f"\r{done} of {members}", end="", file=sys.stderr)


def multiply(source: Path, target: Path, times: int) -> None:
    """The members of a library again and again. What is of nobody's, and the sets, are there once."""
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    engine = address.writing(part)
    with engine.connect() as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            db.exec_driver_sql(f"PRAGMA {pragma}")
        db.exec_driver_sql("ATTACH ? AS one", (str(source),))
        for table in META.sorted_tables:
            db.execute(CreateTable(table))
        for name, seen in VIEWED.items():
            db.execute(text(f"CREATE VIEW {name} AS {seen}"))
        for name in ("about", "label", "period", "string", "household"):
            db.exec_driver_sql(f"INSERT INTO main.{name} SELECT * FROM one.{name}")
        db.exec_driver_sql("INSERT INTO trait SELECT * FROM one.trait WHERE holder < 0")
        step = db.exec_driver_sql("SELECT max(key) FROM one.resource").scalar_one()
        logins = db.exec_driver_sql("SELECT * FROM one.account ORDER BY number").all()
        for time_ in range(times):
            mark = f"x{time_}" if time_ else ""
            whose = "" if time_ == 0 else "WHERE patient IS NOT NULL"
            db.exec_driver_sql(
                "INSERT INTO resource SELECT key + ?, type,"
                " CASE WHEN patient IS NULL THEN id ELSE id || ? END, patient || ?,"
                " version, updated, until, precision, tokens, refers, dates, body"
                f" FROM one.resource {whose} ORDER BY key",
                (time_ * step, mark, mark),
            )
            db.exec_driver_sql(
                "INSERT INTO trait SELECT holder + ?, label, text || ? FROM one.trait WHERE holder > 0",
                (time_ * step, mark),
            )
            rows = []
            for number, username, patient, body in logins:
                login = json_value(body) | {"username": username + mark}
                login["patient"] += mark
                owner = patient and patient + mark
                rows.append((number + time_ * len(logins), username + mark, owner, json_bytes(login)))
            db.exec_driver_sql("INSERT INTO account VALUES (?, ?, ?, ?)", rows)
        for table in META.sorted_tables:
            for index in table.indexes:
                index.create(db)
        db.execute(text("ANALYZE"))
        db.commit()
    engine.dispose()
    part.replace(target)


# --- what is asked ------------------------------------------------------------------------------------


def drawn(library: Path, count: int, now: int) -> list[str]:
    """Members with a whole page of claims, at random."""
    with sqlite3.connect(library) as db:
        everybody = [p for (p,) in db.execute("SELECT patient FROM account WHERE patient IS NOT NULL")]
        random.Random(f"growth:{len(everybody)}").shuffle(everybody)
        found: list[str] = []
        ask = (
            f"SELECT count(*) FROM resource WHERE patient = ? AND type = {NUMBERS[EOB]}"
            f" AND updated <= {now} AND until > {now}"
        )
        for patient in everybody:
            if db.execute(ask, (patient,)).fetchone()[0] >= 50:
                found.append(patient)
                if len(found) == count:
                    break
    return found


Spent = dict[int, list[float]]
"""Milliseconds for each page, by size."""


def in_process(libraries: dict[int, Path], asked: dict[int, list[str]], now: int) -> tuple[Spent, Spent]:
    """By the clock, and of the processor."""
    opened = {size: SqlLibrary(path) for size, path in libraries.items()}

    def page(size: int, patient: str) -> None:
        query = parse(EOB, [("patient", patient), *PAGE])
        access = Access(patient, "", "growth", (f"patient/{EOB}.rs",))
        reader = Reader(opened[size], access, (EOB,), BASELINE, now, OPEN, Facts())
        bundle.searchset(reader.search(query), "http://127.0.0.1/fhir", [])

    return _in_turn(asked, page)


def over_http(ports: dict[int, int], asked: dict[int, list[str]]) -> Spent:
    clients = {size: httpx.Client(base_url=f"http://127.0.0.1:{port}") for size, port in ports.items()}

    def page(size: int, patient: str) -> None:
        headers = {"Authorization": f"Bearer growth-{patient}", "Accept-Encoding": "identity"}
        clients[size].get(f"/fhir/{EOB}?patient={patient}&_count=50", headers=headers).raise_for_status()

    return _in_turn(asked, page)[0]


def _in_turn(asked: dict[int, list[str]], page: Callable[[int, str], None]) -> tuple[Spent, Spent]:
    clock: Spent = {size: [] for size in asked}
    processor: Spent = {size: [] for size in asked}
    for start in range(0, max(map(len, asked.values())), TURN):
        for size, patients in asked.items():
            for patient in patients[start : start + TURN]:
                began, worked = time.perf_counter(), time.thread_time()
                page(size, patient)
                clock[size].append((time.perf_counter() - began) * 1000)
                processor[size].append((time.thread_time() - worked) * 1000)
    for times in (*clock.values(), *processor.values()):
        del times[:TURN]  # the first turn warms up
    return clock, processor


def signed_in(library: Path, ledger: str, patients: list[str], now: int) -> None:
    """A token for each of them."""
    book = Ledger(ledger)
    tenant, people = book.tenant(""), SqlLibrary(library).members()
    for patient in patients:
        grant = Grant(
            f"g-{patient}", "sandbox-app", people[patient].username, patient, SCOPE, now, None, None
        )
        tenant.add_grant(grant)
        secret = digest(f"growth-{patient}")
        times = (now, now + 86_400_000)
        tenant.add_token(Token(secret, "access", grant.id, "sandbox-app", SCOPE, *times, None, None, None))
    book.close()


def shown(what: str, spent: Spent) -> None:
    least = min(spent)
    for size, times in spent.items():
        middle = statistics.median(times)
        late = statistics.quantiles(times, n=100)[98]
        ratio = middle / statistics.median(spent[least])
        print(f"{what:<12}{size:>8} members  p50 {middle:6.2f} ms  p99 {late:6.2f} ms  p50 ratio {ratio:.2f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument("--sizes", default="1000,10000,100000")
    options.add_argument("--made", type=int, default=10_000)
    options.add_argument("--library", action="append", default=[], help="SIZE=FILE: one that is there")
    options.add_argument("--pages", type=int, default=300, help="how many members of each size")
    options.add_argument("--store", default="out/growth", help="where the libraries are, or are built")
    asked = options.parse_args()
    there = {int(size): Path(path) for size, _, path in (each.partition("=") for each in asked.library)}
    sizes = [int(size) for size in asked.sizes.split(",")]
    libraries = {size: library_of(size, asked.made, asked.store, there).resolve() for size in sizes}
    for size, path in libraries.items():
        bytes_ = path.stat().st_size
        print(f"{size:>8} members  {bytes_ / 1e6:8.0f} MB  {bytes_ / size / 1000:.0f} KB a member")
    now = int(time.time() * 1000)
    people = {size: drawn(path, asked.pages, now) for size, path in libraries.items()}
    clock, processor = in_process(libraries, people, now)
    shown("in process", clock)
    shown("processor", processor)
    with ExitStack() as stack, tempfile.TemporaryDirectory() as home:
        servers = {}
        for number, (size, path) in enumerate(libraries.items()):
            name, ledger = f"growth-{size}", f"{home}/{size}.db"
            PORTS[name] = 18440 + number
            signed_in(path, ledger, people[size], now)
            env = {**os.environ, "BENCH_LIBRARY": str(path), "BENCH_LEDGER": ledger}
            servers[size] = stack.enter_context(running(name, env, app="product"))
        ports = {size: PORTS[f"growth-{size}"] for size in sizes}
        shown("over HTTP", over_http(ports, people))
        for size, pid in servers.items():
            print(f"{size:>8} members  private memory of the worker {memory(pid):.0f} MB")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
