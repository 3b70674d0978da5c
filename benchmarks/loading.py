"""How fast other people's data becomes a library, how much memory that takes, and how large it is.

    .venv/bin/python benchmarks/loading.py [--members 5300] [--data PATH]

Members are generated as NDJSON into a temporary folder (5,300 make a million resources), unless there is
data of somebody's own; that is loaded in a fresh process as `serve --data` does, and found again in another.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from sandbox.population.build_library import prepared
from sandbox.population.generate import produce
from sandbox.settings import Settings

DAY = date(2026, 1, 1)


def load(data: str, cache: str) -> None:
    """Load, and print what it took as JSON. The last line of progress goes to stderr."""
    started = time.perf_counter()
    told: list[tuple[float, int]] = []
    progress = lambda done, *total: told.append((time.perf_counter() - started, done))  # noqa: E731
    report: list[str] = []
    path = prepared(Settings(data=data, cache=Path(cache)), DAY, progress, report.append)
    seconds = time.perf_counter() - started
    size = Path(path).stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    surveyed = next((at for at, done in told if done > told[-1][1] / 2), 0) if told else 0
    silent = seconds - told[-1][0] if told else seconds
    print(
        json.dumps(
            {
                "seconds": round(seconds, 1),
                "first_reading": round(surveyed, 1),
                "after_the_last_progress": round(silent, 1),
                "peak_mb": peak,
                "library_mb": size >> 20,
                "report": report[-1].splitlines()[0],
            }
        )
    )


def afresh(data: str, cache: str) -> dict[str, object]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--load", data, cache]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, object] = json.loads(found)
    return told


def main() -> None:
    """Print a load and a second start, one line each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--members", type=int, default=5300)
    asked.add_argument("--data")
    asked.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.load:
        load(*given.load)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or str(Path(folder) / "data")
        if not given.data:
            settings = Settings(latest=False, members=given.members)
            produce(settings, DAY, Path(data), lambda done: None, jobs=os.cpu_count() or 1)
        for what in ("load", "found again"):
            print(what, json.dumps(afresh(data, str(Path(folder) / "cache"))))


if __name__ == "__main__":
    main()
