"""Requests as bytes over all routes, methods, hosts and encodings (tests/support/wire_fuzzing.py).

    .venv/bin/python benchmarks/fuzz.py [REQUESTS [SEED]]     100,000 and 1 unless told: minutes

Prints the statuses, the slowest answer, and what was wrong with the first that is not as it should be: a
5xx, an answer over five seconds, an error that has not the shape of its path. Exit code 1 for that.
"""

from __future__ import annotations

import itertools
import logging
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.smart_app import SmartApp
from support.wire_fuzzing import Tally, WrongAnswer, exchange, requests, routes

from sandbox.server.app import create_app
from sandbox.server.embedded import serving, with_library
from sandbox.settings import Settings

CALLERS = 4


def main() -> int:
    words = [*sys.argv[1:], *("100000", "1")[len(sys.argv) - 1 :]]
    count, seed = int(words[0]), int(words[1])
    logging.disable(logging.CRITICAL)
    tally, wrong = Tally(), []
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(replace(with_library(Settings()), ledger=str(Path(folder) / "ledger.db")))
        known = routes(app)
        with serving(app) as origin, SmartApp(origin) as member:
            token = member.connect("maria").tokens["access_token"]

            def ask(number: int) -> None:
                stream = requests(known, origin, token, seed * 1000 + number)
                for request in itertools.islice(stream, count // CALLERS):
                    try:
                        exchange(origin, request, tally)
                    except WrongAnswer as problem:
                        wrong.append(str(problem))
                        if len(wrong) > 20:
                            return

            begun = time.perf_counter()
            with ThreadPoolExecutor(CALLERS) as pool:
                list(pool.map(ask, range(CALLERS)))
            took = time.perf_counter() - begun
    sent = sum(tally.statuses.values())
    print(
        f"{sent} requests to {len(known)} routes in {took:.0f} s, seed {seed}, slowest {tally.slowest:.2f} s"
    )
    print("statuses: " + ", ".join(f"{n} x {status}" for status, n in sorted(tally.statuses.items())))
    print("\n".join(["WRONG", *wrong]) if wrong else "no 5xx, every error of its shape")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
