"""What an answer costs beside a bare WSGI app that answers the same bytes, or beside an older checkout.

    .venv/bin/python benchmarks/serving.py --members 2000 --rounds 5

One worker is pinned to core 0, wrk to core 1; the two servers take turns: the product as `serve` runs it,
the bare app under gunicorn's threaded worker. `--against DIR` measures another checkout instead of the
bare app, under the threaded worker where it has none of its own. Each
figure is the median of the rounds; the ratio is that of the two costs in the same round. `many` asks for
another member with every request (`--many` of them in turn), `one` asks for the same again. A worker
remembers what it has read, so both are of a worker that has served these members before; `growth.py`
asks for members that nobody has asked for. `--log` has the product with `--log always`, into a file, take
turns with the product without it. `--scaling` has the product alone take turns with one worker
and with two, on whichever cores are free.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import httpx

from sandbox.core.clock import SystemClock, anchor
from sandbox.population.build_library import place
from sandbox.population.generate import stock
from sandbox.server.app import create_app
from sandbox.server.request_log import open_request_log
from sandbox.settings import Settings
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.grants import Grant, Token
from sandbox.store.library.schema import NUMBERS
from sandbox.store.secret import digest

PORTS = {"bare": 18431, "product": 18432, "pair": 18433, "before": 18434, "logged": 18435}
OURS, THREADED = "sandbox.server.worker.GatewayWorker", "gthread"
WORKERS = {"bare": THREADED}
EOB = "ExplanationOfBenefit"
INCLUDE = f"_include={EOB}:patient&_include={EOB}:coverage"
SCOPE = "launch/patient patient/*.rs"
TICK = os.sysconf("SC_CLK_TCK")


class Ask(NamedTuple):
    path: str
    token: str


class Cost(NamedTuple):
    """Of one run: requests a second, and milliseconds of the worker's processor for each."""

    rate: float
    cpu: float


# --- what gunicorn runs ------------------------------------------------------------------------------


def product():  # type: ignore[no-untyped-def]
    return create_app(Settings(library=os.environ["BENCH_LIBRARY"], ledger=os.environ["BENCH_LEDGER"]))


def logged():  # type: ignore[no-untyped-def]
    stream = open(os.environ["BENCH_LOG"], "a")  # noqa: SIM115  open as long as the server
    return create_app(
        Settings(library=os.environ["BENCH_LIBRARY"], ledger=os.environ["BENCH_LEDGER"]),
        request_log=open_request_log("always", stream),
    )


pair = product
"""The same with two workers, beside the one with one."""


def bare():  # type: ignore[no-untyped-def]
    folder = Path(os.environ["BENCH_BODIES"])
    bodies = {path.name: path.read_bytes() for path in folder.iterdir()}
    bodies[named("/_sandbox/health")] = b"{}"

    def app(environ, start_response):  # type: ignore[no-untyped-def]
        asked = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}".rstrip("?")
        body = bodies[named(asked)]
        kind = ("Content-Type", "application/fhir+json; charset=utf-8")
        start_response("200 OK", [kind, ("Content-Length", str(len(body)))])
        return [body]

    return app


def named(path: str) -> str:
    return sha256(path.encode()).hexdigest()


# --- what is asked ------------------------------------------------------------------------------------


def asks(settings: Settings, ledger: str, members: int) -> dict[str, list[Ask]]:
    """For each case, what to ask of some members, who have signed in."""
    now = int(time.time() * 1000)
    book = Ledger(ledger)
    tenant = book.tenant("")
    app = create_app(replace(settings, ledger=ledger))
    people = app.extensions["wiring"].members
    with sqlite3.connect(settings.library) as db:
        seen = f"updated <= {now} AND until > {now} AND patient IS NOT NULL"
        claims = db.execute(
            f"SELECT patient, min(id) FROM resource WHERE type = {NUMBERS[EOB]} AND {seen}"
            " GROUP BY patient HAVING count(*) >= 50 ORDER BY patient"
        ).fetchall()
        sizes = db.execute(f"SELECT patient, count(*) FROM resource WHERE {seen} GROUP BY patient").fetchall()
    wholes = sorted((abs(count - 95), patient) for patient, count in sizes if patient in people)

    def token(patient: str) -> str:
        secret = f"bench-{patient}"
        if tenant.token(secret) is None:
            name = people[patient].username
            tenant.add_grant(Grant(f"g-{patient}", "sandbox-app", name, patient, SCOPE, now, None, None))
            times = (now, now + 86_400_000)
            tenant.add_token(
                Token(
                    digest(secret), "access", f"g-{patient}", "sandbox-app", SCOPE, *times, None, None, None
                )
            )
        return secret

    found: dict[str, list[Ask]] = {}
    for patient, claim in [each for each in claims if each[0] in people][:members]:
        page = f"/fhir/{EOB}?patient={patient}&_count=50"
        for case, path in (
            ("read", f"/fhir/{EOB}/{claim}"),
            ("page", page),
            ("include", f"{page}&{INCLUDE}"),
            ("clause", f"{page}&service-date=ge2000"),
        ):
            found.setdefault(case, []).append(Ask(path, token(patient)))
    for _, patient in wholes[:members]:
        path = f"/fhir/Patient/{patient}/$everything?_count=500"
        found.setdefault("everything", []).append(Ask(path, token(patient)))
    book.close()
    return found


# --- running ------------------------------------------------------------------------------------------


@contextmanager
def running(
    name: str,
    env: dict[str, str],
    workers: int = 1,
    cores: str = "0",
    app: str = "",
    checkout: Path = Path(__file__).parents[1],
) -> Iterator[int]:
    """One of the servers: the app of its name, unless told. Yields the id of its first process."""
    command = [
        "taskset", "-c", cores, sys.executable, "-m", "gunicorn", "-k", WORKERS.get(name, OURS),
        "-w", str(workers), "--threads", "16", "--keep-alive", "75", "--log-level", "error",
        "-b", f"127.0.0.1:{PORTS[name]}", f"serving:{app or name}()",
    ]  # fmt: skip
    here = checkout / "benchmarks"
    process = subprocess.Popen(command, env={**env, "PYTHONPATH": f"{here}:{checkout}"}, cwd=here)
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{PORTS[name]}/_sandbox/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def spent(pid: int) -> float:
    """Seconds of processor that a server and its workers have used."""
    total = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (str(pid), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory(pid: int) -> float:
    """Private megabytes of the largest worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = []
    for each in children:
        rolled = Path(f"/proc/{each}/smaps_rollup").read_text()
        sizes.append(sum(int(n) for n in re.findall(r"Private_\w+:\s+(\d+) kB", rolled)) / 1024)
    return max(sizes)


def measured(name: str, pid: int, script: Path, seconds: int, cores: str = "1", callers: int = 4) -> Cost:
    before = spent(pid)
    url = f"http://127.0.0.1:{PORTS[name]}"
    done = subprocess.run(
        ["taskset", "-c", cores, "wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "-s", str(script), url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in done:
        sys.exit(f"{name}: {done}")
    number = int(re.search(r"(\d+) requests in", done)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])  # type: ignore[index]
    return Cost(rate, (spent(pid) - before) / number * 1000)


def script(path: Path, wanted: list[Ask]) -> Path:
    lines = [f'wrk.format("GET", "{ask.path}", {{["Authorization"]="Bearer {ask.token}"}})' for ask in wanted]
    path.write_text(
        "local all, n = nil, 0\n"
        f"function init() all = {{{', '.join(lines)}}} end\n"
        "function request() n = n % #all + 1; return all[n] end\n"
    )
    return path


def scaling(asked: argparse.Namespace, env: dict[str, str], wanted: dict[str, list[Ask]], lua: Path) -> None:
    """Requests a second of two workers over those of one."""
    print(f"{'case':<18}{'one/s':>9}{'two/s':>9}{'ratio':>7}")
    with running("product", env, 1, "0,1") as one, running("pair", env, 2, "0,1") as two:
        for case in asked.cases.split(","):
            script(lua, wanted[case])
            rounds = [
                [
                    measured(name, pid, lua, asked.seconds, "0,1", 8).rate
                    for name, pid in (("product", one), ("pair", two))
                ]
                for _ in range(asked.rounds)
            ]
            alone, both = (statistics.median(side) for side in zip(*rounds, strict=True))
            ratio = statistics.median(b / a for a, b in rounds)
            print(f"{case:<18}{alone:>9.0f}{both:>9.0f}{ratio:>7.2f}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--members", type=int, default=2000)
    options.add_argument("--many", type=int, default=40, help="how many members are asked for in turn")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--scaling", action="store_true")
    options.add_argument("--log", action="store_true", help="with and without a line for each request")
    options.add_argument("--against", type=Path, metavar="DIR", help="another checkout to compare with")
    options.add_argument("--store", default="out/benchmarks", help="where the library is, or is built")
    options.add_argument("--cases", default="read,page,include,clause,everything")
    asked = options.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not there (on Debian: apt-get install wrk)")
    settings = Settings(members=asked.members, store=asked.store)
    day = anchor(SystemClock())
    if not place(settings, day).is_file():
        stock(settings, day, lambda done: None)
    home = Path(tempfile.mkdtemp())
    settings = replace(settings, library=str(place(settings, day).resolve()))
    ledger = str(home / "ledger.db")
    wanted = asks(settings, ledger, asked.many)
    (home / "bodies").mkdir()
    env = {**os.environ, "BENCH_LIBRARY": settings.library, "BENCH_LEDGER": ledger}
    env["BENCH_BODIES"] = str(home / "bodies")
    if asked.scaling:
        scaling(asked, env, wanted, home / "ask.lua")
        shutil.rmtree(home)
        return
    with running("product", env) as pid:
        for each in (ask for some in wanted.values() for ask in some):
            answer = httpx.get(
                f"http://127.0.0.1:{PORTS['product']}{each.path}",
                headers={"Authorization": f"Bearer {each.token}", "Accept-Encoding": "identity"},
            ).raise_for_status()
            (home / "bodies" / named(each.path)).write_bytes(answer.content)
        print(f"memory of a worker: {memory(pid):.0f} MB, load {os.getloadavg()[0]:.1f}")
        if asked.against:
            if not (asked.against / "sandbox" / "server" / "worker.py").exists():
                WORKERS["before"] = THREADED
            with sqlite3.connect(ledger) as db, sqlite3.connect(home / "before.db") as copy:
                db.backup(copy)
            env["BENCH_LEDGER"] = str(home / "before.db")
            there = running("before", env, app="product", checkout=asked.against.resolve())
        elif asked.log:
            there = running("logged", env | {"BENCH_LOG": str(home / "requests.log")})
        else:
            there = running("bare", env)
        with there as other:
            name = "before" if asked.against else "logged" if asked.log else "bare"
            titles = f"{'ours/s':>9}{'ratio':>7}{'cpu ms':>8}{'cpu ratio':>10}"
            print(f"{'case':<18}{'KB':>6}{name + '/s':>9}{titles}")
            for case in asked.cases.split(","):
                for how, some in (("many", wanted[case]), ("one", wanted[case][:1])):
                    size = statistics.mean((home / "bodies" / named(a.path)).stat().st_size for a in some)
                    lua = script(home / "ask.lua", some)
                    rounds = []
                    for _ in range(asked.rounds):
                        theirs = measured(name, other, lua, asked.seconds)
                        rounds.append((theirs, measured("product", pid, lua, asked.seconds)))
                    rates = statistics.median(ours.rate / theirs.rate for theirs, ours in rounds)
                    cpus = statistics.median(theirs.cpu / ours.cpu for theirs, ours in rounds)
                    sides = zip(*rounds, strict=True)
                    middle = [statistics.median(cost.rate for cost in side) for side in sides]
                    cpu = statistics.median(ours.cpu for _, ours in rounds)
                    print(
                        f"{case + ', ' + how:<18}{size / 1000:>6.0f}{middle[0]:>9.0f}{middle[1]:>9.0f}"
                        f"{rates:>7.2f}{cpu:>8.3f}{cpus:>10.2f}",
                        flush=True,
                    )
        print(f"memory of a worker afterwards: {memory(pid):.0f} MB, load {os.getloadavg()[0]:.1f}")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
