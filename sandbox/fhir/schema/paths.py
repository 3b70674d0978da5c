"""How the table of types (`types`) becomes index rows: paths, choice elements, literal references.

`extract` is run when a library is built; searches never parse a resource again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sandbox.core.cache import bounded
from sandbox.fhir import dates
from sandbox.fhir.schema.model import Kind, Param
from sandbox.fhir.schema.types import KNOWN, SHARED

Resource = dict[str, Any]


class IndexRow(NamedTuple):
    """One index row: `a` and `b` are (system, code), (low, high), (type, id), (folded text, text) or
    (URL, URL with its version)."""

    param: str
    kind: Kind
    a: str | int
    b: str | int


CARE = ":care"
"""The name of the row that says when care was given, from its first day to its last."""

MENTIONED = ":mentioned"
"""The name of the row of a shared resource to which no parameter leads (who performed an observation):
`$everything` shows it too."""


def identifying(param: Param) -> Param:
    """The parameter that `:identifier` asks of: the identifiers in a reference."""
    return Param(f"{param.stored}:identifier", "token", param.paths)


def unindexed(param: Param) -> str:
    """Return the name of the row that says: there is a value that cannot be searched for.

    Examples are a concept in words and a reference without an address.
    """
    return f"{param.stored}:other"


def extract(resource: Resource, without: Container[str] = ()) -> Iterator[IndexRow]:
    """The index rows of a resource's parameters but some, in table order, without duplicates."""
    for param, rows_of, paths in _plan(resource["resourceType"]):
        name = param.name
        values: list[Any] = []
        for steps in paths:
            values += _reached(resource, steps)
        if not values or name in without:
            continue
        rows = rows_of(name, values[0]) if len(values) == 1 else [r for v in values for r in rows_of(name, v)]
        yield from rows if len(rows) < 2 else dict.fromkeys(rows)
        if param.searchable and param.kind in ("token", "reference"):
            yield from _besides(param, values, bool(rows))


def _besides(param: Param, values: list[Any], is_indexed: bool) -> Iterator[IndexRow]:
    """Yield the further rows of a parameter that can be searched.

    They are the identifiers in references, and the row of `unindexed`.
    """
    if param.kind == "reference":
        for value in values:
            if isinstance(value, dict) and "identifier" in value:
                name = identifying(param).name
                yield from dict.fromkeys(_tokens(name, value["identifier"]))
    if not is_indexed:
        yield IndexRow(unindexed(param), param.rows, "", "")


Steps = tuple[tuple[str, str], ...]
RowsOf = Callable[[str, Any], "Sequence[IndexRow]"]


@cache
def _plan(kind: str) -> tuple[tuple[Param, RowsOf, tuple[Steps, ...]], ...]:
    """Each parameter of a type, how a value of it becomes rows, and where its values are."""
    return tuple(
        (p, _canonical if p.canonical else _ROWS_OF[p.kind], tuple(_steps(path) for path in p.paths))
        for p in KNOWN[kind].params
        if p.same_as is None
    )


_REFERENCE = re.compile(rb'"reference":"([^"\\]+)"')


def references(body: bytes) -> list[str]:
    """What a resource refers to anywhere, each once. `body` is its JSON without blanks (`json_bytes`): to
    look through the text is many times faster than through what it says."""
    return [text.decode() for text in dict.fromkeys(_REFERENCE.findall(body))]


def mentioned(body: bytes) -> dict[tuple[str, str], None]:
    """The shared resources among the `references` of a resource."""
    names = map(literal, references(body))
    return dict.fromkeys(name for name in names if name and name[0] in SHARED)


def owner(resource: Resource) -> str | None:
    """Return the id of the one patient whose compartment holds the resource.

    None means that it is shared, that it names several patients, or that only the resources it points to
    can tell (`Type.owned_through`).
    """
    paths = KNOWN[resource["resourceType"]].owner
    if paths == ("id",):
        return str(resource["id"])
    named = {literal(element) for path in paths for element in elements(resource, path)}
    patients = [name[1] for name in named if name and name[0] == "Patient"]
    return patients[0] if len(patients) == 1 else None


def care_range(resource: Resource) -> dates.Range | None:
    """From the first to the last care date, for `$everything?start&end`; None: undated."""
    spans = [
        span
        for path in KNOWN[resource["resourceType"]].care_date
        for value in elements(resource, path)
        for span in dates.ranges(value)
    ]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


def elements(node: Any, path: str) -> list[Any]:
    """The values at a dotted path, lists flattened; a choice element is found by its stem.

    A step `extension[name]` takes the extensions whose URL ends in that name.
    """
    return _reached(node, _steps(path))


def _reached(root: Any, path: Steps) -> list[Any]:
    nodes = [root]
    for stem, url in path:
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, dict):
                for name in (stem,) if stem in node else _choices(node, stem):
                    value = node[name]
                    if isinstance(value, list):
                        values += value
                    else:
                        values.append(value)
        if url:
            values = [e for e in values if isinstance(e, dict) and str(e.get("url", "")).endswith(url)]
        if not values:
            return values
        nodes = values
    return nodes


@lru_cache(1024)
def _steps(path: str) -> Steps:
    """The stem of each step, and how the URL of its extensions ends."""
    parts = (step.partition("[") for step in path.split("."))
    return tuple((stem, f"/{url[:-1]}" if url else "") for stem, _, url in parts)


def _choices(node: dict[str, Any], stem: str) -> list[str]:
    return [name for name in node if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()]


_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")


def literal(reference: Any) -> tuple[str, str] | None:
    """(type, id) of a literal reference (relative or absolute), or None (fragment, urn, identifier)."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    return _literal(text) if isinstance(text, str) else None


@bounded(1 << 20, 2)
def _literal(text: str) -> tuple[str, str] | None:
    if text.startswith(("#", "urn:")):
        return None
    match = _LITERAL.search(text)
    return (match[1], match[2]) if match else None


def _tokens(name: str, value: Any) -> list[IndexRow]:
    return [IndexRow(name, "token", system, code) for system, code in _codes(value)]


def _dates(name: str, value: Any) -> Sequence[IndexRow]:
    if isinstance(value, str):
        return _days(name, value)
    return [IndexRow(name, "date", low, high) for low, high in dates.ranges(value)]


@lru_cache(1 << 14)
def _days(name: str, text: str) -> tuple[IndexRow, ...]:
    """A claim says the same day on every line."""
    return tuple(IndexRow(name, "date", low, high) for low, high in dates.ranges(text))


def _references(name: str, value: Any) -> Sequence[IndexRow]:
    target = literal(value)
    return (IndexRow(name, "reference", *target),) if target else ()


def _strings(name: str, value: Any) -> list[IndexRow]:
    return [IndexRow(name, "string", fold(text), text) for text in _texts(value)]


def _canonical(name: str, value: Any) -> Sequence[IndexRow]:
    return (IndexRow(name, "string", value.partition("|")[0], value),) if isinstance(value, str) else ()


_ROWS_OF: dict[Kind, RowsOf] = {
    "token": _tokens,
    "date": _dates,
    "reference": _references,
    "string": _strings,
}


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, dict):
        for coding in value.get("coding", ()):
            if "code" in coding:
                yield coding.get("system", ""), coding["code"]
        if "code" in value and isinstance(value["code"], str):
            yield value.get("system", ""), value["code"]
        if "value" in value:
            yield value.get("system", ""), str(value["value"])


_CODED = frozenset({"id", "use", "type"})
"""Parts of a HumanName or Address that are codes, not text: "official" is nobody's name."""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in _CODED:
                continue
            for text in part if isinstance(part, list) else [part]:
                if isinstance(text, str):
                    yield text


@bounded(1 << 20, 2)
def fold(text: str) -> str:
    """String search ignores case and accents (R4 §3.1.1.4.8 "string")."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
