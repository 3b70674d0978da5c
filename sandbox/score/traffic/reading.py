"""A log file, whichever of the three formats it is in: NDJSON, HAR 1.2, or the sandbox's own journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem
from sandbox.score.traffic import har, journal
from sandbox.score.traffic.record import Record


def read(path: Path) -> list[Record]:
    """The records of a log, in order of time. Raises FileProblem naming the file and the line."""
    whole = _one_document(path)
    if isinstance(whole, dict) and isinstance(whole.get("log"), dict):
        made = har.records(whole["log"], str(path))
    elif isinstance(whole, dict) and isinstance(whole.get("entries"), list):
        made = journal.records(whole["entries"], str(path))
    else:
        made = _lines(path)
    return sorted(made, key=lambda record: record.when)


def _one_document(path: Path) -> Any:
    """The file as one JSON document; None when it is lines."""
    try:
        with path.open("rb") as file:
            first = file.readline()
            if _whole(first) and file.readline().strip():
                return None
    except OSError as problem:
        raise FileProblem(f"{path}: {problem.strerror or problem}") from None
    try:
        return files.read_json(path)
    except FileProblem:
        return None


def _whole(line: bytes) -> bool:
    try:
        files.json_value(line)
    except ValueError:
        return False
    return True


def _lines(path: Path) -> Iterator[Record]:
    entries: list[Any] = []
    for number, data in enumerate(files.read_ndjson(path), 1):
        if isinstance(data, dict) and "kind" not in data and {"at", "path", "status"} <= data.keys():
            entries.append(data)
            continue
        try:
            yield Record.model_validate(data)
        except ValidationError as problem:
            first = problem.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the record"
            raise FileProblem(f"{path}, record {number}: {where}: {first['msg']}") from None
    yield from journal.records(entries, str(path))
