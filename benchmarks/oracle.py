"""Server and oracle asked the same searches, by the ten thousand: `make oracle`.

    .venv/bin/python benchmarks/oracle.py [--searches 20000] [--seed 1] [--members 30]

Prints how many searches were drawn, of which types, how many found something, how many pages were
turned, the seed and the time. The first search on which the two disagree ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from support.asking import ask
from support.crowd import BASE, Crowd
from support.searches import Drawn, Search, check

ROUND = 1000
"""Searches drawn from one seed: hypothesis remembers what it drew and slows down with it."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--searches", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--members", type=int, default=30)
    asked = options.parse_args()
    seen: Counter[str] = Counter()
    found, pages, included, started = 0, 0, 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        crowd = Crowd(Path(folder), asked.members, asked.seed)
        searches = Drawn(crowd.oracle, BASE).searches()
        print(
            f"seed {asked.seed}: {len(crowd.oracle.order)} resources, {time.perf_counter() - started:.0f} s"
        )

        def one(search: Search) -> None:
            nonlocal found, pages, included
            answer = ask(crowd.library, search, crowd.now, BASE)
            check(crowd.oracle, search, answer)
            seen[search.kind] += 1
            found += bool(answer.matches)
            pages += len(answer.pages)
            included += len(answer.included)

        for number in range(-(-asked.searches // ROUND)):
            count = min(ROUND, asked.searches - number * ROUND)
            how = settings(
                max_examples=count,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            try:
                seeded(asked.seed * 1000 + number)(how(given(searches)(one)))()
            except AssertionError as problem:
                print(f"They disagree (after {sum(seen.values())} searches): {problem}")
                return 1
            print(f"{sum(seen.values())} agree, {time.perf_counter() - started:.0f} s", flush=True)
    took = time.perf_counter() - started
    print(", ".join(f"{kind} {count}" for kind, count in sorted(seen.items())))
    print(
        f"seed {asked.seed}: {sum(seen.values())} searches agree; {found} found something, {pages} pages,"
        f" {included} includes, {took:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
