"""Files of `fixtures/` become dataclasses: pydantic converts and checks what people wrote.

Validators see the whole file as their context, because a code system stands once, at the top of a file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError, ValidationInfo

from sandbox.core.errors import FileProblem
from sandbox.core.files import read_yaml

T = TypeVar("T")
Json = dict[str, Any]

EVERY_AGE = (0, 120)
"""Years: the ages of whatever may happen to anybody."""


def read(path: Path, kind: type[T], **more: Any) -> T:
    """Return the content of a YAML file as a dataclass. Raises FileProblem naming file and field.

    `more` are fields that other files hold.
    """
    data = read_yaml(path)
    return parse(data | more if isinstance(data, dict) else data, kind, str(path))


def parse(data: Any, kind: type[T], name: str) -> T:
    """Return parsed YAML as a dataclass. Raises FileProblem naming `name` and the field."""
    try:
        return TypeAdapter(kind).validate_python(data, context=data)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            raise FileProblem(f"{name}: {field!r} is missing") from None
        text = first["msg"].removeprefix("Value error, ")
        raise FileProblem(f"{name}: {field}: {text}" if field else f"{name}: {text}") from None
    except (KeyError, TypeError, AttributeError) as problem:  # of a validator that met another shape
        raise FileProblem(f"{name}: {problem!r}") from None


def changed(change: Callable[[Json, Json], Json]) -> BeforeValidator:
    """Add values to an entry before it is checked; `change` takes the entry and the whole file."""

    def add(entry: Any, info: ValidationInfo) -> Any:
        if not isinstance(entry, dict):
            return entry
        try:
            return entry | change(entry, info.context or {})
        except KeyError as problem:
            raise ValueError(f"{problem} is missing, or nothing has that name") from None

    return BeforeValidator(add)


def coded(
    field: str = "", *, system: str = "system", code: str = "code", name: str = "name"
) -> BeforeValidator:
    """Make the term of an entry from its `code` and its `name`, or `words` of our own.

    The term becomes the entry's `field`, or the entry itself. `system` is the key of the file that holds the
    code system, such as "systems.loinc".
    """

    def add(entry: Json, file: Json) -> Json:
        url = reduce(getitem, system.split("."), file)
        label = entry[name] if name in entry else entry["words"]
        term = {"system": url, "code": entry[code], "name": label}
        return {field: term} if field else term

    return changed(add)


def find_term(entry: Json, file: Json) -> Json:
    """Return the term of an entry whose code stands under the short name of its system."""
    systems = file["systems"]
    key = next((name for name in systems if name in entry), None)
    if key is None:
        raise ValueError(f"a code stands under one of {', '.join(systems)}")
    return {"system": systems[key], "code": entry[key], "name": entry["words"]}
