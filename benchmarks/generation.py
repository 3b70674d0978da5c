"""How fast members are made and written, where the time goes, and how much memory that takes.

    .venv/bin/python benchmarks/generation.py [MEMBERS …]

For each size, on one core and on two, each in a fresh process: members per second, the ratio of two
processes to one, the peak memory of the process that writes and of the largest that makes. Then where the
time goes on one core. Named members are left out of no run: the one with 2,000 claims weighs on small
sizes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.population.generate import produce
from sandbox.settings import Settings
from sandbox.synth import population
from sandbox.synth.fhir import guides

DAY = date(2026, 1, 1)


def run(members: int, jobs: int) -> float:
    """Seconds to write this many members."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        produce(Settings(members=members), DAY, Path(folder), lambda done: None, jobs=jobs)
        return time.perf_counter() - started


def measure(members: int, jobs: int) -> tuple[float, int, int]:
    """Members per second, and peak resident memory in MB: of the writer, of the largest maker."""
    seconds = run(members, jobs)
    own, made = (
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return members / seconds, own, made


def afresh(members: int, jobs: int) -> tuple[float, int, int]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(members), str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rate, own, made = json.loads(done.stdout)
    return rate, own, made


class Stages:
    """Stopwatches around the functions in which a stage begins; what runs inside of another is its own."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def watch(
        self, module: Any, name: str, stage: str, done: Callable[[Any], Any] = lambda made: made
    ) -> None:
        function = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            started = time.perf_counter()
            made = done(function(*args, **kwargs))
            spent = time.perf_counter() - started
            self.seconds[stage] += spent - self._inside.pop()
            if self._inside:
                self._inside[-1] += spent
            return made

        setattr(module, name, watched)


def stages(members: int) -> dict[str, float]:
    """Milliseconds for each member, by stage, on one core."""
    found = Stages()
    found.watch(population, "load_spec", "start: code sets and names")
    found.watch(population, "world_of", "start: code sets and names")
    found.watch(population, "life_of", "facts: stories")
    found.watch(population, "live", "facts: stories")
    found.watch(population, "settle_family", "facts: settling claims")
    found.watch(population.recorder, "derive", "facts: the clinical record")
    found.watch(population.render, "member", "rendering", done=list)
    found.watch(guides, "json_bytes", "serialising")
    total = run(members, 1)
    found.seconds["people, index, writing"] = total - sum(found.seconds.values())
    return {stage: 1000 * seconds / members for stage, seconds in found.seconds.items()}


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(int(sys.argv[2]), int(sys.argv[3]))))
        return
    sizes = [int(text) for text in sys.argv[1:]] or [500, 2000]
    print("members   one core   two cores   ratio   memory of one, of two (writer + largest maker), MB")
    for members in sizes:
        one, alone, _ = afresh(members, 1)
        two, writer, maker = afresh(members, 2)
        print(f"{members:>7,} {one:>8.0f}/s {two:>9.0f}/s {two / one:>7.2f}   {alone}, {writer} + {maker}")
    spent = stages(sizes[0])
    total = sum(spent.values())
    for stage, milliseconds in spent.items():
        print(f"{stage:<32}{milliseconds:>6.2f} ms a member {milliseconds / total:>6.0%}")


if __name__ == "__main__":
    main()
