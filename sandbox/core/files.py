"""The only parsers and writers of files: strict YAML, JSON bytes, whole files.

YAML 1.1 reads `on:` as True, `no:` as False, 2024-01-02 as a date and 0123 as 83. Files here are
written by people, so those resolvers are removed: such words stay strings. Duplicate keys are errors.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import yaml

from sandbox.core.errors import FileProblem

LONG = 19
"""Digits of an integer that 64 bits may not hold."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast, the same rules."""


class _StrictLoader(_Loader):  # type: ignore[misc]  # one of two classes, by what is installed
    """SafeLoader with true/false, decimal integers and floats only, and no duplicate keys."""


_TAG = "tag:yaml.org,2002:"
_LOOSE = {_TAG + "bool", _TAG + "int", _TAG + "timestamp"}
_STRICT = (("bool", r"^(?:true|false)$", "tf"), ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"))

_StrictLoader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] not in _LOOSE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _first in _STRICT:
    _StrictLoader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, (list, dict)):
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be a word, not a list or mapping", key_node.start_mark
            )
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is there twice", key_node.start_mark
            )
        seen.add(key)
    return dict(loader.construct_pairs(node, deep=True))


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse_yaml(text: str, name: str = "<text>") -> Any:
    """The document in `text`. Raises FileProblem naming `name` and the line."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader with fewer resolvers
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = getattr(problem, "problem", None) or "not YAML"
        if mark and text.splitlines()[mark.line : mark.line + 1] and "\t" in text.splitlines()[mark.line]:
            what = "a tab where YAML wants spaces"
        raise FileProblem(f"{name}{line}: {what}") from None


def make_private(path: Path) -> None:
    """Make a file that only its owner can open, and restrict SQLite's files beside it. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for file in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm", "-journal"))):
        with suppress(FileNotFoundError):  # another process may put away what SQLite keeps
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def make_private_folder(path: Path, *, tighten: bool = False) -> None:
    """Make a folder that nobody else may enter. One that is there stays as it is, unless it is all ours
    (`tighten`). Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if tighten and path.stat().st_mode & 0o077:
        path.chmod(0o700)


def read_text(path: Path) -> str:
    """The file's text, UTF-8. Raises FileProblem."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise FileProblem(f"{path}: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise FileProblem(f"{path}: not UTF-8 text") from None


def read_yaml(path: Path) -> Any:
    """The YAML document in a file. Raises FileProblem."""
    return parse_yaml(read_text(path), str(path))


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"no JSON for {type(value).__name__}")


def json_bytes(value: Any) -> bytes:
    """Compact JSON. Decimals keep their digits (200.00 stays 200.00), as FHIR asks of decimals."""
    return orjson.dumps(value, default=_decimal)


def json_pretty(value: Any) -> bytes:
    """Indented JSON with a final newline, for files that people open."""
    return orjson.dumps(value, default=_decimal, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def json_schema(schema: dict[str, Any]) -> bytes:
    """Indented JSON of a schema that pydantic built, with the dialect in front."""
    return json_pretty({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def json_value(body: bytes | str) -> Any:
    """Parse JSON without caring how decimals were written. Raises ValueError."""
    return orjson.loads(body)


def json_exact(body: bytes) -> Any:
    """Parse JSON keeping every number's digits, so that it can be written back unchanged."""
    return json.loads(body, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < LONG else Decimal(digits)


def read_json(path: Path) -> Any:
    """The JSON document in a file. Raises FileProblem."""
    try:
        return orjson.loads(read_text(path))
    except orjson.JSONDecodeError as problem:
        raise FileProblem(f"{path}, line {problem.lineno}: not JSON: {problem.msg}") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader, or a run that resumes, never finds half of it.

    Devices and pipes are written to directly. Raises FileProblem.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise FileProblem(f"{path}: {problem.strerror or problem}") from None
