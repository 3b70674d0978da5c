"""Server and oracle asked the same searches, by the ten thousand: `make oracle`.

    .venv/bin/python benchmarks/oracle.py [--searches 20000] [--seed 1] [--members 30] [--written 300]

With `--written`, a tenant has created, replaced and deleted so many resources over the library, by clocks
that jump, and is asked at several moments. Prints how many searches were drawn, of which types, how many
found something, how many pages were turned, the seed and the time; and draws a tenth as many calls of
`$everything`. The first answer on which the two disagree ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from support.asking import ask, ask_everything
from support.compartment import Asked, agree, calls
from support.crowd import BASE, Crowd
from support.oracle import Oracle
from support.scribbling import Scribbled, moments
from support.searches import Drawn, Search, check

from sandbox.fhir.dates import milliseconds
from sandbox.fhir.library import Library


class Tenant(NamedTuple):
    """Who is asked, and when."""

    library: Library
    oracle: Oracle
    now: int


ROUND = 1000
"""Searches drawn from one seed: hypothesis remembers what it drew and slows down with it."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--searches", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--members", type=int, default=30)
    options.add_argument("--written", type=int, default=0)
    asked = options.parse_args()
    seen: Counter[str] = Counter()
    found, pages, included, written, started = 0, 0, 0, 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        crowd = Crowd(Path(folder), asked.members, asked.seed)
        tenants = [Tenant(crowd.library, crowd.oracle, crowd.now)]
        if asked.written:
            scribbled = Scribbled(Path(folder), crowd, asked.written, asked.seed)
            tenants = [
                Tenant(scribbled.library(), scribbled.oracle(moment), milliseconds(moment))
                for moment in moments()[1:]
            ]
        print(
            f"seed {asked.seed}: {len(tenants[-1].oracle.order)} resources,"
            f" {time.perf_counter() - started:.0f} s"
        )

        def one(tenant: Tenant, search: Search) -> None:
            nonlocal found, pages, included, written
            answer = ask(tenant.library, search, tenant.now, BASE)
            check(tenant.oracle, search, answer)
            ours = {(w.kind, w.id) for w in scribbled.written} if asked.written else set()
            written += not ours.isdisjoint([*answer.matches, *answer.included])
            seen[search.kind] += 1
            found += bool(answer.matches)
            pages += len(answer.pages)
            included += len(answer.included)

        def whole(tenant: Tenant, call: Asked) -> None:
            nonlocal pages
            answer = ask_everything(tenant.library, call, tenant.now)
            agree(tenant.oracle, call, answer)
            seen["$everything"] += 1
            pages += len(answer.pages)

        try:
            for tenant in tenants:
                number, searches = asked.searches // len(tenants), Drawn(tenant.oracle, BASE).searches()
                rounds(number, asked.seed, searches, partial(one, tenant), lambda: told(seen, started))
                everything = calls(tenant.oracle)
                rounds(
                    number // 10, asked.seed, everything, partial(whole, tenant), lambda: told(seen, started)
                )
        except AssertionError as problem:
            print(f"They disagree (after {seen.total()}): {problem}")
            return 1
    took = time.perf_counter() - started
    print(", ".join(f"{kind} {count}" for kind, count in sorted(seen.items())))
    whole_ones = seen["$everything"]
    print(
        f"seed {asked.seed}: {seen.total() - whole_ones} searches, {whole_ones} calls of $everything agree;"
        f" {found} searches found something, {written} something written, {pages} pages,"
        f" {included} includes, {took:.0f} s"
    )
    return 0


def rounds(
    total: int,
    seed: int,
    drawn: st.SearchStrategy[Any],
    one: Callable[[Any], None],
    after: Callable[[], None],
) -> None:
    """Draw that many and give each to `one`. Raises what that raises."""
    for number in range(-(-total // ROUND)):
        how = settings(
            max_examples=min(ROUND, total - number * ROUND),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(seed * 1000 + number)(how(given(drawn)(lambda drawn: one(drawn))))()
        after()


def told(seen: Counter[str], started: float) -> None:
    print(f"{seen.total()} agree, {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
