"""`generate`: render households on all cores and write them in order, without keeping them.

Either one NDJSON file a resource type, the logins and an index of who has what, or a library that `serve`
opens as it is. Files are written beside their places and renamed when all are whole: a run that is killed
leaves none that looks finished.
"""

from __future__ import annotations

import csv
import gzip
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes
from sandbox.core.part_file import sweep_parts
from sandbox.population import index
from sandbox.population.build_library import Progress, editions, place, uncollected
from sandbox.population.import_fhir import ACCOUNTS
from sandbox.settings import Settings
from sandbox.store.library import write
from sandbox.store.library.rows import Batch, indexed
from sandbox.synth import population
from sandbox.synth.fhir.resource import Resource
from sandbox.synth.people.household import Household, PopulationContext
from sandbox.synth.population import Dossier, Guides

BATCH = 12
"""Households that one task makes: enough to outweigh the hand-over, few enough to stay in order."""

AHEAD = 2
"""Tasks that may be waiting or done for each process: the rest of the memory is theirs."""

LOGINS = Path(ACCOUNTS).stem


@dataclass
class Lines:
    """What some dossiers are as lines, by file, and their rows of the index."""

    counts: Counter[str]
    lines: dict[str, bytes]
    rows: list[list[str]]


class VisibleVersions(NamedTuple):
    """Which versions of resources are written: those visible by the end of a day, the latest or all."""

    as_of: str = ""
    """The day, YYYY-MM-DD. Empty: also what the payer will show later."""
    latest: bool = False

    def select(self, dossier: Dossier) -> Dossier:
        """Return a dossier with the selected versions. The order stays as it is."""
        versions: Iterable[Resource] = dossier.rendered
        if self.as_of:
            versions = [version for version in versions if version.updated[:10] <= self.as_of]
        if self.latest:
            versions = {(version.type, version.id): version for version in versions}.values()
        return replace(dossier, rendered=tuple(versions))


EVERYTHING = VisibleVersions()


def selection_of(settings: Settings, today: date) -> VisibleVersions:
    """Return what `generate` writes: by default what the payer would hand out on the day of the data."""
    day = date.fromisoformat(settings.as_of) if settings.as_of else today
    return VisibleVersions(day.isoformat() if settings.as_of or settings.latest else "", settings.latest)


@dataclass
class Shelved:
    """What some dossiers are as rows of a library."""

    counts: Counter[str]
    batches: list[Batch]


def produce(
    settings: Settings, today: date, out: Path, progress: Progress, *, jobs: int = 1, zipped: bool = False
) -> Counter[str]:
    """Write the population of these settings to a folder. Returns counts by file stem.

    Raises UsageError for a population that cannot be made, FileProblem for a folder that cannot be
    written. The bytes do not depend on `jobs`.
    """
    making = _making(settings, today, _zipped if zipped else _lines, selection_of(settings, today))
    counts: Counter[str] = Counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            files = _Files(out, zipped, stack)
            stack.callback(files.discard)  # what has its name by then is no part any more
            for batch in _render_batches(making, settings.members, jobs):
                files.put(batch)
                counts += batch.counts
                progress(counts[LOGINS])
            files.finish()
    except OSError as problem:
        raise FileProblem(f"{out}: {problem.strerror or problem}") from None
    return counts


def stock(
    settings: Settings, today: date, progress: Progress, *, jobs: int = 1
) -> tuple[str | Path, Counter[str]]:
    """Build the library that `serve` looks for with these settings. Returns its path, and counts as
    `produce` does. One process writes what all of them make. Raises the same."""
    making = _making(settings, today, _shelved, EVERYTHING)
    counts: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        for shelved in _render_batches(making, settings.members, jobs):
            counts.update(shelved.counts)
            progress(counts[LOGINS])
            yield from shelved.batches

    path = place(settings, today)
    if isinstance(path, Path):
        sweep_parts(path.parent, "library-*.db")
    write.write(path, batches())
    return path, counts


def shaped(
    settings: Settings, today: date, shape: Callable[[list[Dossier], date], Any], *, jobs: int = 1
) -> Iterator[Any]:
    """Yield what `shape` makes of the network, then of some households at a time, as they are written.

    `shape` is called in the processes that make the households, so it must be a function of a module.
    Raises UsageError for a population that cannot be made.
    """
    making = _making(settings, today, shape, selection_of(settings, today))
    yield from _render_batches(making, settings.members, jobs)


# --- in any process --------------------------------------------------------------------------------


class Making(NamedTuple):
    """What a process must know to make some households: the same in all of them."""

    world: PopulationContext
    guides: Guides
    shape: Callable[[list[Dossier], date], Any]
    selection: VisibleVersions

    @property
    def day(self) -> date:
        """The day up to which resources are counted."""
        return date.fromisoformat(self.selection.as_of) if self.selection.as_of else self.world.today

    def render(self, households: list[Household], wanted: int) -> Any:
        """The first `wanted` people of some households."""
        dossiers = (
            self.selection.select(dossier)
            for household in households
            for dossier in population.lived(self.world, household, self.guides)
        )
        with uncollected():
            return self.shape(list(islice(dossiers, wanted)), self.day)

    def head(self) -> Any:
        """The network, which comes before everybody."""
        network = population.providers(self.world, self.guides)
        return self.shape([self.selection.select(network)], self.day)


def _making(
    settings: Settings, today: date, shape: Callable[[list[Dossier], date], Any], selection: VisibleVersions
) -> Making:
    spec = population.load_spec(settings.fixtures)
    population.check(spec, settings.members)
    guides = editions(settings)
    return Making(population.world_of(spec, settings.seed, today), guides, shape, selection)


def _render_batches(making: Making, members: int, jobs: int) -> Iterator[Any]:
    """Everything in order. Only some batches are on their way at a time, however many there are."""
    yield making.head()
    tasks = _tasks(making.world, members)
    if jobs == 1:
        for households, wanted in tasks:
            yield making.render(households, wanted)
        return
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(making,)) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for households, wanted in tasks:
                with _signals_held():
                    waiting.append(pool.submit(_work, households, wanted))
                if len(waiting) > AHEAD * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # whoever stops early does not wait for the rest


_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back signals that end the command. In a fork, their exception is lost or breaks the child.

    Windows has no forks, and no such masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tasks(world: PopulationContext, members: int) -> Iterator[tuple[list[Household], int]]:
    """Batches of households, and how many of their people are wanted."""
    source = population.households(world)
    while members > 0:
        batch = list(islice(source, BATCH))
        people = min(members, sum(map(len, batch)))
        yield batch, people
        members -= people


_process: Making | None = None
"""What a worker process was started with; each has one job in its life."""


def _begin(making: Making) -> None:
    global _process
    _process = making
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)  # held while this process was made


def _work(households: list[Household], wanted: int) -> Any:
    assert _process is not None  # the pool calls `_begin` first
    return _process.render(households, wanted)


def _counted(dossiers: list[Dossier]) -> Counter[str]:
    counts = Counter(resource.type for dossier in dossiers for resource in dossier.rendered)
    people = sum(dossier.account is not None for dossier in dossiers)
    return counts + Counter({LOGINS: people})


def _lines(dossiers: list[Dossier], today: date) -> Lines:
    lines: dict[str, list[bytes]] = {}
    for dossier in dossiers:
        if dossier.account is not None:
            lines.setdefault(LOGINS, []).append(json_bytes(dossier.account))
        for resource in dossier.rendered:
            lines.setdefault(resource.type, []).append(resource.body)
    return Lines(
        _counted(dossiers),
        {stem: b"\n".join([*bodies, b""]) for stem, bodies in lines.items()},
        list(index.rows(dossiers, today)),
    )


def _zipped(dossiers: list[Dossier], today: date) -> Lines:
    """Return compressed lines. Gzip members can be concatenated."""
    batch = _lines(dossiers, today)
    # no time in the header: the same population, the same bytes
    batch.lines = {stem: gzip.compress(lines, 6, mtime=0) for stem, lines in batch.lines.items()}
    return batch


def _shelved(dossiers: list[Dossier], today: date) -> Shelved:
    batches = [indexed(d.account, [resource.body for resource in d.rendered]) for d in dossiers]
    return Shelved(_counted(dossiers), batches)


# --- in the process that writes --------------------------------------------------------------------


class _Files:
    """The files of a folder while they are written."""

    def __init__(self, folder: Path, zipped: bool, stack: ExitStack):
        self._folder, self._zipped, self._stack = folder, zipped, stack
        self._open: dict[str, IO[Any]] = {}
        self._csv = stack.enter_context((folder / "members.csv.part").open("w", newline="", encoding="utf-8"))
        self._headed = False

    def put(self, batch: Lines) -> None:
        for stem, lines in batch.lines.items():
            self._file(stem).write(lines)
        rows = batch.rows[1:] if self._headed else batch.rows
        csv.writer(self._csv).writerows(rows)
        self._headed = True

    def finish(self) -> None:
        """Give every file its name, once all are closed."""
        for file in (*self._open.values(), self._csv):
            file.close()
        for part in self._parts():
            part.replace(part.with_suffix(""))

    def discard(self) -> None:
        """Remove the parts that have no name yet."""
        for part in self._parts():
            part.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return [self._part(stem) for stem in self._open] + [self._folder / "members.csv.part"]

    def _part(self, stem: str) -> Path:
        return self._folder / f"{stem}.ndjson{'.gz' if self._zipped else ''}.part"

    def _file(self, stem: str) -> IO[Any]:
        if stem not in self._open:
            self._open[stem] = self._stack.enter_context(self._part(stem).open("wb"))
        return self._open[stem]
