"""`generate` at scale: households are made on all cores, written in order, and nothing is kept.

One NDJSON file a resource type, the logins and an index of who has what. Every file is written beside
its place and renamed when all are whole: a run that is killed leaves none that looks finished.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sandbox.build import Progress, editions, uncollected
from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes
from sandbox.loading import ACCOUNTS
from sandbox.settings import Settings
from sandbox.synth import index, population
from sandbox.synth.household import Household, World
from sandbox.synth.population import Dossier, Guides

BATCH = 8
"""Households that one task makes: enough to outweigh the hand-over, few enough to stay in order."""

LOGINS = Path(ACCOUNTS).stem


@dataclass
class Written:
    """What some dossiers are as lines, by file, with counts and their rows of the index."""

    people: int
    lines: dict[str, bytes]
    counts: dict[str, int]
    rows: list[list[str]]


def produce(
    settings: Settings, today: date, out: Path, progress: Progress, *, jobs: int = 1, zipped: bool = False
) -> dict[str, int]:
    """Write the population of these settings to a folder. Returns counts by file stem.

    Raises UsageError for a population that cannot be made, FileProblem for a folder that cannot be
    written. The bytes do not depend on `jobs`.
    """
    spec = population.load_spec(settings.fixtures)
    population.check(spec, settings.members)
    guides = editions(settings)
    world = population.world_of(spec, settings.seed, today)
    counts: dict[str, int] = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            files = _Files(out, zipped, stack)
            head = _write([population.providers(world, guides)], today)
            for batch in _batches(head, world, guides, settings.members, jobs):
                files.put(batch)
                for stem, count in batch.counts.items():
                    counts[stem] = counts.get(stem, 0) + count
                progress(counts.get(LOGINS, 0))
        files.finish()
    except OSError as problem:
        raise FileProblem(f"{out}: {problem.strerror or problem}") from None
    return counts


def _batches(head: Written, world: World, guides: Guides, members: int, jobs: int) -> Iterator[Written]:
    yield head
    tasks = _tasks(world, members)
    if jobs == 1:
        for households, wanted in tasks:
            yield _make(world, guides, households, wanted)
        return
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(world, guides)) as pool:
        waiting: deque[Future[Written]] = deque()
        for households, wanted in tasks:
            waiting.append(pool.submit(_work, households, wanted))
            if len(waiting) > 3 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _tasks(world: World, members: int) -> Iterator[tuple[list[Household], int]]:
    """Batches of households, and how many of their people are wanted."""
    source = population.households(world)
    while members > 0:
        batch = list(islice(source, BATCH))
        people = min(members, sum(map(len, batch)))
        yield batch, people
        members -= people


_process: tuple[World, Guides] | None = None
"""What a worker process was started with; each has one job in its life."""


def _begin(world: World, guides: Guides) -> None:
    global _process
    _process = (world, guides)


def _work(households: list[Household], wanted: int) -> Written:
    assert _process is not None  # the pool calls `_begin` first
    return _make(*_process, households, wanted)


def _make(world: World, guides: Guides, households: list[Household], wanted: int) -> Written:
    told = (d for household in households for d in population.lived(world, household, guides))
    with uncollected():
        return _write(islice(told, wanted), world.today)


def _write(dossiers: Iterable[Dossier], today: date) -> Written:
    made = list(dossiers)
    lines: dict[str, list[bytes]] = {}
    for dossier in made:
        if dossier.account is not None:
            lines.setdefault(LOGINS, []).append(json_bytes(dossier.account.to_json()))
        for resource in dossier.resources:
            lines.setdefault(resource["resourceType"], []).append(json_bytes(resource))
    rows = list(index.rows(made, today))
    return Written(
        sum(d.account is not None for d in made),
        {stem: b"\n".join([*found, b""]) for stem, found in lines.items()},
        {stem: len(found) for stem, found in lines.items()},
        rows,
    )


class _Files:
    """The files of a folder while they are written."""

    def __init__(self, folder: Path, zipped: bool, stack: ExitStack):
        self._folder, self._zipped, self._stack = folder, zipped, stack
        self._open: dict[str, IO[Any]] = {}
        self._csv = stack.enter_context((folder / "members.csv.part").open("w", newline="", encoding="utf-8"))
        self._headed = False

    def put(self, batch: Written) -> None:
        for stem, lines in batch.lines.items():
            self._file(stem).write(lines)
        rows = batch.rows[1:] if self._headed else batch.rows
        csv.writer(self._csv).writerows(rows)
        self._headed = True

    def finish(self) -> None:
        """Give every file its name, once all are closed."""
        for part in [self._part(stem) for stem in self._open] + [self._folder / "members.csv.part"]:
            part.replace(part.with_suffix(""))

    def _part(self, stem: str) -> Path:
        return self._folder / f"{stem}.ndjson{'.gz' if self._zipped else ''}.part"

    def _file(self, stem: str) -> IO[Any]:
        if stem not in self._open:
            raw: IO[Any] = self._stack.enter_context(self._part(stem).open("wb"))
            if self._zipped:
                # Neither a name nor a time in the header: the same population, the same bytes.
                raw = self._stack.enter_context(
                    io.BufferedWriter(gzip.GzipFile("", "wb", 6, raw, mtime=0), 1 << 20)
                )
            self._open[stem] = raw
        return self._open[stem]
