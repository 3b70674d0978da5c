"""From people to a library: generate or read a folder, build once, find it again in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from sandbox import __version__
from sandbox.core.errors import FileProblem, UsageError
from sandbox.core.files import json_bytes, read_ndjson
from sandbox.core.roster import Account
from sandbox.fhir.params import TYPES
from sandbox.settings import Settings
from sandbox.store import library

ACCOUNTS = "members.ndjson"
"""Beside one `<Type>.ndjson` for each resource type: the members' logins."""

Contents = Iterator[tuple[Account | None, tuple[dict[str, Any], ...]]]
Progress = Callable[[int], None]


def generated(settings: Settings, today: date, progress: Progress) -> Contents:
    """The population of these settings, member by member. `progress` is told how many are done."""
    from sandbox.synth.population import generate
    from sandbox.synth.spec import load_spec

    spec = load_spec(settings.fixtures)
    dossiers = generate(spec, members=settings.members, seed=settings.seed, today=today)
    for done, dossier in enumerate(dossiers):
        progress(done)
        yield dossier.account, dossier.resources


def read_folder(folder: Path) -> Contents:
    """What `write_folder` wrote. Raises FileProblem naming file and line."""
    if not folder.is_dir():
        raise FileProblem(f"{folder}: no such folder")
    accounts = folder / ACCOUNTS
    if not accounts.is_file():
        raise FileProblem(f"{accounts}: not there (a folder written by `payer-sandbox generate` has it)")
    for number, entry in enumerate(read_ndjson(accounts), 1):
        try:
            yield Account.from_json(entry), ()
        except (KeyError, TypeError, ValueError) as problem:
            raise FileProblem(f"{accounts}, line {number}: not a member: {problem}") from None
    for kind in TYPES:
        path = folder / f"{kind}.ndjson"
        for number, resource in enumerate(read_ndjson(path) if path.is_file() else (), 1):
            if not isinstance(resource, dict) or resource.get("resourceType") != kind or "id" not in resource:
                raise FileProblem(f"{path}, line {number}: not a {kind} with an id")
            yield None, (resource,)


def write_folder(
    folder: Path, contents: Iterable[tuple[Account | None, Iterable[dict[str, Any]]]]
) -> dict[str, int]:
    """One NDJSON file a type, and the logins; each whole or not at all. Returns counts by file stem."""
    counts: dict[str, int] = {}
    parts: dict[str, BinaryIO] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:

            def put(stem: str, value: object) -> None:
                if stem not in parts:
                    parts[stem] = stack.enter_context((folder / f"{stem}.ndjson.part").open("wb"))
                parts[stem].write(json_bytes(value) + b"\n")
                counts[stem] = counts.get(stem, 0) + 1

            for account, resources in contents:
                if account is not None:
                    put(Path(ACCOUNTS).stem, account.to_json())
                for resource in resources:
                    put(resource["resourceType"], resource)
        for stem in parts:
            (folder / f"{stem}.ndjson.part").replace(folder / f"{stem}.ndjson")
    except OSError as problem:
        raise FileProblem(f"{folder}: {problem.strerror or problem}") from None
    return counts


def prepared(settings: Settings, today: date, progress: Progress) -> Path:
    """The library of these settings: found in the cache, or built there. Raises UsageError."""
    if settings.members < 1:
        raise UsageError("--members must be 1 or more")
    home = Path(settings.store) if settings.store else settings.cache
    path = home / f"library-{_fingerprint(settings, today)}.db"
    if not path.is_file():
        contents = read_folder(Path(settings.data)) if settings.data else generated(settings, today, progress)
        library.build(path, contents)
    return path


def _fingerprint(settings: Settings, today: date) -> str:
    """What a library depends on: version, people asked for, and the files they are made from."""
    known = hashlib.sha256(f"{__version__}|{settings.members}|{settings.seed}|{today}".encode())
    code = Path(__file__).parent
    made_by = [*code.glob("synth/*.py"), code / "fhir/params.py", code / "store/library.py"]
    inputs = [*settings.fixtures.rglob("*.yaml"), *made_by]
    if settings.data:
        inputs = [*Path(settings.data).glob("*.ndjson"), *made_by]
    for path in sorted(inputs):
        known.update(path.name.encode() + b"\0" + path.read_bytes())
    return known.hexdigest()[:16]
