"""Build a library from generated members or a folder, or find it in the cache."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from sandbox import __version__
from sandbox.apis.discovery import published
from sandbox.core.errors import FileProblem, UsageError
from sandbox.core.files import json_bytes, json_pretty, write_whole
from sandbox.core.members import Account
from sandbox.core.part_file import sweep_parts
from sandbox.population.import_fhir import Report, kept, load
from sandbox.population.import_fhir.files import find
from sandbox.settings import Settings
from sandbox.store import address
from sandbox.store.library import read, write
from sandbox.store.library.rows import Given
from sandbox.store.library.schema import LOADED

if TYPE_CHECKING:
    from sandbox.synth.population import Dossier, Guides

Contents = Iterator[tuple[Account | None, Sequence[Given]]]
Progress = Callable[..., None]
"""Called with how many are done, and with how many there are once a load of data knows it."""
Tell = Callable[[str], None]

MANY = 100_000
"""So many resources take a while to index."""

MADE_BY = ("rows.py", "households.py", "write.py", "packing.py", "schema.py", "traits.py")
"""Modules of `store.library` that decide what is in a library."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Turn the cycle collector off. It takes a third of the time, and there are no cycles to collect."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def editions(settings: Settings) -> Guides:
    """The editions asked for. Raises UsageError for one that is not known."""
    from sandbox.synth.fhir import guides

    for name, edition, versions in (
        ("--carin", settings.carin, get_args(guides.Carin)),
        ("--us-core", settings.us_core, get_args(guides.UsCore)),
    ):
        if edition not in versions:
            raise UsageError(f"{name} is one of {', '.join(versions)}, not {edition!r}")
    basis = {"basis": True} if settings.basis else {}
    more_types = tuple(sorted(published().own_types()))
    return guides.Guides(settings.carin, settings.us_core, more_types=more_types, **basis)  # type: ignore[arg-type]


def people(settings: Settings, today: date) -> Iterator[Dossier]:
    """The population of these settings, dossier by dossier."""
    from sandbox.synth.population import generate, load_spec

    spec = load_spec(settings.fixtures)
    guides = editions(settings)
    return generate(spec, members=settings.members, seed=settings.seed, today=today, guides=guides)


def generated(settings: Settings, today: date, progress: Progress) -> Contents:
    """The same as a library takes it. `progress` is told how many are done."""
    for done, dossier in enumerate(people(settings, today)):
        progress(done)
        yield dossier.account, [resource.body for resource in dossier.rendered]


def index_rows(settings: Settings, today: date) -> Iterator[list[str]]:
    """Yield a header, then a row for each login with counts of resources and claims."""
    from sandbox.population import index

    return index.rows(people(settings, today), today)


def prepared(
    settings: Settings, today: date, progress: Progress, tell: Tell = lambda text: None
) -> str | Path:
    """The library of these settings: found in the cache, or built there. `tell` is told what a load
    of other people's data made of it. Raises UsageError."""
    if settings.members < 1:
        raise UsageError("--members must be 1 or more")
    path = place(settings, today)
    if isinstance(path, Path):
        sweep_parts(path.parent, "library-*.db")
    if settings.data:
        report = _loaded(settings, today, path, progress, tell)
        tell(str(report))
        if settings.load_report:
            write_whole(Path(settings.load_report), json_pretty(report))
    elif not read.exists(path):
        with uncollected():
            write.build(path, generated(settings, today, progress))
    return path


def _loaded(settings: Settings, today: date, path: str | Path, progress: Progress, tell: Tell) -> Report:
    """What a load of the data made of it, now or when its library was built."""
    if stored := kept(path):
        return stored
    contents, report = load(Path(settings.data), skip_bad=settings.skip_bad, today=today, progress=progress)

    def about() -> list[tuple[str, bytes]]:
        if report.read >= MANY:
            tell(f"read {report.read:,} resources; sorting the index")
        return [(LOADED, json_bytes(report))]

    with uncollected():
        write.build(path, contents, about)
    return report


def place(settings: Settings, today: date) -> str | Path:
    """Where the library of these settings is, or will be: a file, or the address of a schema."""
    fingerprint = _fingerprint(settings, today)
    if address.is_url(settings.store):
        return address.within(settings.store, f"library_{fingerprint}")
    home = Path(settings.store) if settings.store else settings.cache
    return home / f"library-{fingerprint}.db"


def _fingerprint(settings: Settings, today: date) -> str:
    """What a library depends on: version, people asked for, and the files they are made from."""
    choices = (settings.members, settings.seed, today, settings.carin, settings.us_core, settings.basis)
    hash_ = hashlib.sha256(f"{__version__}|{choices}|{settings.skip_bad}|{published().rows()}".encode())
    code = Path(__file__).parents[1]
    held = [*code.glob("fhir/**/*.py"), *code.glob("fhir/**/*.json")]
    made_by = [
        *code.glob("synth/**/*.py"),
        code / "population" / "index.py",
        *held,
        *(code / "store" / "library" / n for n in MADE_BY),
    ]
    inputs = [*settings.fixtures.rglob("*.yaml"), *made_by]
    if settings.data:
        inputs = [*find(Path(settings.data))[0], *code.glob("population/import_fhir/*.py"), *made_by]
    for path in sorted(inputs):
        hash_.update(os.fsencode(path.name) + b"\0")
        try:
            with path.open("rb") as file:
                hash_.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as problem:
            raise FileProblem(f"{path}: {problem.strerror or problem}") from None
    return hash_.hexdigest()[:16]
