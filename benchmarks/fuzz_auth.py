"""Odd requests to every route below /auth, each answer examined (tests/support/fuzzing.py says for what).

    .venv/bin/python benchmarks/fuzz_auth.py [REQUESTS [SEED]]     (make fuzz)

Prints how many requests were sent, the seed, the statuses, and what each route answered. Exit code 1 for
an answer that is not as it should be, with the smallest request that gets it. Every 400 requests another
payer is asked, with codes, tokens and forms that are new (a payer that was guessed at makes callers wait).
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given, seed
from hypothesis import settings as how

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.fuzzing import Asked, Member, Seen, Shape, check, requests

from sandbox.population.build_library import prepared
from sandbox.server.app import create_app
from sandbox.settings import Settings

EACH = 400


def main() -> int:
    given_count, given_seed = (*sys.argv[1:3], *("20000", "1")[len(sys.argv) - 1 :])
    count, start = int(given_count), int(given_seed)
    logging.disable(logging.CRITICAL)
    seen, sent = Seen(), 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(ledger=str(Path(folder) / "ledger.db"))
        library = prepared(settings, date(2026, 1, 1), lambda done: None)
        app = create_app(replace(settings, library=str(library)))
        member = Member(app, "baseline~0")

        @seed(start)
        @how(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(requests())
        def fuzz(asked: Asked) -> None:
            nonlocal member, sent
            if sent % EACH == EACH - 1:
                member = Member(app, f"baseline~{sent}")
            sent += 1
            check(asked, member.send(asked), seen)

        began = time.perf_counter()
        try:
            fuzz()
            verdict = "every answer has the right shape, none is a 5xx"
        except Shape as problem:
            verdict = f"WRONG: {problem}\n" + "\n".join(getattr(problem, "__notes__", ()))
        took = time.perf_counter() - began
    print(f"{sent} requests in {took:.0f} s, seed {start}")
    print("statuses: " + ", ".join(f"{n} x {status}" for status, n in sorted(seen.statuses.items())))
    for route, n in sorted(seen.routes.items()):
        print(f"  {n:>6}  /auth/{route}")
    print(verdict)
    return int(verdict.startswith("WRONG"))


if __name__ == "__main__":
    sys.exit(main())
