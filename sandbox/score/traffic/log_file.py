"""Reads a log file in any of three formats: NDJSON, HAR 1.2, or the sandbox's own journal.

A line or an entry that cannot be read is left out and reported; a file of which nothing can be read is
refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem, describe_first
from sandbox.core.packed_file import BOM, PROBLEMS, reason, unpacked
from sandbox.score.traffic import har, journal
from sandbox.score.traffic.address import kind_and_step
from sandbox.score.traffic.record import TrafficRecord

NAMED = 20
"""Problems that are listed; the others are only counted."""


@dataclass
class LogReading:
    """The content of a file: records in order of time, and what could not be read.

    `base` is the FHIR base of an archive. `derived` counts requests whose `extract_step` was derived from
    their URLs.
    """

    records: list[TrafficRecord] = field(default_factory=list)
    base: str = ""
    unread: int = 0
    problems: list[str] = field(default_factory=list)
    derived: int = 0

    def leave_out(self, problem: str) -> None:
        """Count what cannot be read."""
        self.unread += 1
        if len(self.problems) < NAMED:
            self.problems.append(problem)


def read(path: Path, base: str = "") -> LogReading:
    """Read a log. `base` is the FHIR base of an archive; it is found from the requests when it is empty.

    Raises FileProblem, naming the file and the line, when nothing in it can be read.
    """
    reading = LogReading()
    body = _unpacked(path)
    document = _one_document(body)
    if isinstance(document, dict) and isinstance(document.get("log"), dict):
        entries = document["log"].get("entries")
        if not isinstance(entries, list):
            raise FileProblem(f"{path}: log.entries is not a list")
        reading.base = base.rstrip("/") or har.find_base(entries)
        records = har.records(entries, reading.base, reading.leave_out)
    elif isinstance(document, dict) and isinstance(document.get("entries"), list):
        records = journal.records(document["entries"], reading.leave_out)
    elif isinstance(document, list) and b"\n" in body.strip():
        records = _records(_items("", document), reading)
    else:
        records = _records(_lines(body, reading), reading)
    reading.records = sorted(records, key=lambda record: record.when)
    if reading.unread and not reading.records:
        raise FileProblem(f"{path}, {reading.problems[0]}")
    return reading


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as packed, unpacked(packed) as file:
            return file.read().removeprefix(BOM)
    except PROBLEMS as problem:
        raise FileProblem(f"{path}: {reason(problem)}") from None


def _one_document(body: bytes) -> Any:
    """Return the file as one JSON document; None when it has a document per line."""
    first, _, others = body.partition(b"\n")
    if others.strip():
        with suppress(ValueError):
            files.json_value(first)
            return None
    with suppress(ValueError):
        return files.json_value(body)
    return None


def _lines(body: bytes, reading: LogReading) -> Iterator[tuple[str, Any]]:
    """Yield the place of each value, and the value."""
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = files.json_value(line)
        except ValueError as problem:
            reading.leave_out(f"line {number}: not JSON: {problem}")
            continue
        if isinstance(value, list) and value:
            yield from _items(f"line {number}, ", value)
        else:
            yield f"line {number}", value


def _items(where: str, listed: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{where}record {number}", value) for number, value in enumerate(listed, 1))


def _records(values: Iterable[tuple[str, Any]], reading: LogReading) -> Iterator[TrafficRecord]:
    entries: list[Any] = []
    for place, data in values:
        if isinstance(data, dict) and "kind" not in data and {"at", "path", "status"} <= data.keys():
            entries.append(data)
            continue
        if not isinstance(data, dict):
            reading.leave_out(f"{place}: not a JSON object")
            continue
        try:
            record = TrafficRecord.model_validate(data)
        except ValidationError as problem:
            reading.leave_out(f"{place}: {describe_first(problem, 'the record')}")
            continue
        if record.kind == "fhir" and "extract_step" not in record.model_fields_set:
            reading.derived += 1
            kind, step = kind_and_step(record.url)
            record = record.model_copy(update={"extract_step": step, "rtype": record.rtype or kind})
        yield record
    yield from journal.records(entries, reading.leave_out)
