"""Files as JSON values: which are read, how they are packed, and where each value stands.

NDJSON (`.ndjson`, `.jsonl`: a value a line, ended by LF or CRLF and nothing else) and JSON (`.json`: one
value, or lines of them), in any case, plain or packed by gzip or zstd, with or without a byte order mark.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_exact
from sandbox.core.packed_file import BOM, PROBLEMS, reason, unpacked

LINES, WHOLE = (".ndjson", ".jsonl"), (".json",)
PACKED = (".gz", ".zst", ".zstd")
_NUMBER = re.compile(rb"\d[.eE]|\d{19}")
"""A sign of numbers whose digits a float may not keep; text may have it too."""


class FilePlace(NamedTuple):
    """The place of a value: a file, a line (None: the file is one value), the path of an element."""

    file: Path
    line: int | None = None
    element: str = ""

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.file}{line}" + (f", {self.element}" if self.element else "")

    def at(self, element: str) -> FilePlace:
        """The place of an element below this one."""
        return self._replace(element=f"{self.element}.{element}" if self.element else element)


class Value(NamedTuple):
    """A JSON value of a file. `line` are the bytes it was, where they are a line of their own."""

    place: FilePlace
    content: Any
    line: bytes | None = None


Complain = Callable[[FilePlace, str], None]
"""Told of what cannot be used; raises, or notes it and returns."""


def find(path: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder that may hold data, and what else is there: other files, hidden ones, pipes,
    links to folders or to nothing. A file stands for itself. Raises FileProblem."""
    if path.is_file():
        return [path], []
    if not path.is_dir():
        what = "neither a file nor a folder" if path.exists() else "no such file or folder"
        raise FileProblem(f"{path}: {what}")
    data: list[Path] = []
    others: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_refuse):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in names + links:
            file = Path(folder, name)
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            (data if _kind(file) in LINES + WHOLE and not hidden and file.is_file() else others).append(file)
    return sorted(data), sorted(others)


def _refuse(problem: OSError) -> None:
    raise FileProblem(f"{problem.filename}: {problem.strerror or problem}")


def values(path: Path, complain: Complain) -> Iterator[Value]:
    """The JSON values of a file, in order; a list counts as its items."""
    place = FilePlace(path)
    try:
        with path.open("rb") as packed, unpacked(packed) as file:
            if _kind(path) in LINES:
                yield from _lines(place, file, complain)
            else:
                yield from _whole(place, file.read(), complain)
    except PROBLEMS as problem:
        complain(place, f"cannot be read: {reason(problem)}")


def _kind(path: Path) -> str:
    """The last suffix that does not tell of packing, in small letters."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _lines(place: FilePlace, file: IO[bytes], complain: Complain) -> Iterator[Value]:
    for number, line in enumerate(file, 1):
        line = line.removeprefix(BOM).strip()  # files that were put together have it at each joint
        if line:
            here = place._replace(line=number)
            try:
                content = _parsed(line)
            except ValueError as problem:
                complain(here, str(problem))
                continue
            if isinstance(content, list):
                yield from _items(Value(here, content))
            else:
                yield Value(here, content, line)


def _whole(place: FilePlace, body: bytes, complain: Complain) -> Iterator[Value]:
    body = body.removeprefix(BOM)
    if not body.strip():
        complain(place, "is empty")
        return
    try:
        yield from _items(Value(place, _parsed(body, exact=True)))
    except ValueError as problem:
        if not _is_lines(body):
            complain(place, str(problem))
            return
        yield from _lines(place, io.BytesIO(body), complain)


def _is_lines(body: bytes) -> bool:
    first, _, others = body.strip().partition(b"\n")
    try:
        return bool(others.strip()) and isinstance(orjson.loads(first), dict)
    except ValueError:
        return False


def _items(value: Value) -> Iterator[Value]:
    if not isinstance(value.content, list):
        yield value
        return
    for number, item in enumerate(value.content):
        yield from _items(Value(value.place.at(f"[{number}]"), item))


def _parsed(body: bytes, *, exact: bool = False) -> Any:
    """A JSON value; `exact` keeps the digits of every number. Raises ValueError."""
    try:
        value = orjson.loads(body)
        if _keys(body) > _keys(orjson.dumps(value)):
            raise ValueError(f"has the key {_repeated(body)!r} twice in one object")
        return json_exact(body) if exact and _NUMBER.search(body) else value
    except (RecursionError, orjson.JSONEncodeError):
        raise ValueError("is nested too deeply") from None
    except orjson.JSONDecodeError as problem:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise ValueError("not UTF-8 text") from None
        raise ValueError(f"not JSON: {problem}") from None


def _keys(body: bytes) -> int:
    """How many keys there are, and the like in texts, which is the same however JSON is written."""
    return body.count(b'":') + body.count(b'" :')


def _repeated(body: bytes) -> str:
    """The first key that an object has twice."""
    repeated: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        repeated.extend(name for number, name in enumerate(names) if name in names[:number])

    json.loads(body, object_pairs_hook=look)
    return repeated[0] if repeated else ""
