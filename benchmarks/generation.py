"""How fast members are made and written, on one core and on two, and how much memory that takes.

    .venv/bin/python benchmarks/generation.py [MEMBERS …]

Prints members per second for each size and number of processes, the ratio of two processes to one, the
peak memory of the whole run, and where the time goes on one core. Named members are left out of no
run: the one with 2,000 claims weighs on small sizes.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from sandbox.production import produce
from sandbox.settings import Settings

DAY = date(2026, 1, 1)


def run(members: int, jobs: int) -> float:
    """Seconds to write this many members."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        produce(Settings(members=members), DAY, Path(folder), lambda done: None, jobs=jobs)
        return time.perf_counter() - started


def peak() -> int:
    """Peak resident memory so far, in MB: this process, and the largest of its children."""
    own, children = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(own, children) // 1024


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or [500, 2000]
    for members in sizes:
        one = run(members, 1)
        memory = peak()
        two = run(members, 2)
        print(
            f"{members:>6} members: {members / one:6.0f}/s on one core, {members / two:6.0f}/s on two "
            f"(x {one / two:.2f}), peak {memory} MB"
        )
    profile = cProfile.Profile()
    profile.runcall(run, sizes[0], 1)
    pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
