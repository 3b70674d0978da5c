"""How the table of types (`types`) becomes index rows: paths, choice elements, literal references.

`extract` is run when a library is built; searches never parse a resource again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.fhir import dates
from sandbox.fhir.types import SHARED, TYPES, Kind, Param, Type, find

__all__ = [
    "SHARED",
    "TYPES",
    "Kind",
    "Param",
    "Row",
    "Type",
    "care_range",
    "elements",
    "extract",
    "find",
    "fold",
    "identifying",
    "literal",
    "owner",
    "unindexed",
]

Resource = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One index row: `a` and `b` are (system, code), (low, high), (type, id), (folded text, text) or
    (URL, URL with its version)."""

    param: str
    kind: Kind
    a: str | int
    b: str | int


MENTIONED = ":mentioned"
"""The name of the row of a shared resource to which no parameter leads (who performed an observation):
`$everything` shows it too."""


def identifying(param: Param) -> Param:
    """The parameter that `:identifier` asks of: the identifiers in a reference."""
    return Param(f"{param.stored}:identifier", "token", param.paths)


def unindexed(param: Param) -> str:
    """The name of the row that says: there is a value, though none that could be searched for (a
    concept in words, a reference without an address). `:missing` must know."""
    return f"{param.stored}:other"


def extract(resource: Resource) -> Iterator[Row]:
    """Every index row of a resource, in table order, without duplicates."""
    seen: set[Row] = set()
    for param in TYPES[resource["resourceType"]].params:
        if param.same_as is None:
            for row in _of(param, [v for path in param.paths for v in elements(resource, path)]):
                if row not in seen:
                    seen.add(row)
                    yield row
    known = {(row.a, row.b) for row in seen if row.kind == "reference"}
    for kind, id in dict.fromkeys(_mentioned(resource)):
        if (kind, id) not in known:
            yield Row(MENTIONED, "reference", kind, id)


def _mentioned(node: Any) -> Iterator[tuple[str, str]]:
    """The shared resources that are referred to anywhere in a resource."""
    if isinstance(node, dict):
        if (text := node.get("reference")) is not None:
            if (found := literal(text)) and found[0] in SHARED:
                yield found
            return
        node = node.values()
    elif not isinstance(node, list):
        return
    for each in node:
        if isinstance(each, dict | list):
            yield from _mentioned(each)


def _of(param: Param, values: list[Any]) -> Iterator[Row]:
    found = False
    for value in values:
        for row in _rows(param, value):
            found = True
            yield row
        if param.kind == "reference" and param.searchable and isinstance(value, dict):
            for system, code in _codes(value.get("identifier")):
                yield Row(identifying(param).name, "token", system, code)
    if values and not found and param.searchable and param.kind in ("token", "reference"):
        yield Row(unindexed(param), param.rows, "", "")


def owner(resource: Resource) -> str | None:
    """The id of the patient whose compartment holds the resource; None when it is shared, or when
    only the resources it points to can tell (`Type.owned_through`)."""
    path = TYPES[resource["resourceType"]].owner
    if path is None:
        return None
    if path == "id":
        return str(resource["id"])
    found = literal((elements(resource, path) or [{}])[0])
    return found[1] if found and found[0] == "Patient" else None


def care_range(resource: Resource) -> dates.Range | None:
    """From the first to the last care date, for `$everything?start&end`; None: undated."""
    spans = [
        span
        for path in TYPES[resource["resourceType"]].care_date
        for value in elements(resource, path)
        for span in dates.ranges(value)
    ]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


def elements(node: Any, path: str) -> list[Any]:
    """The values at a dotted path, lists flattened; a choice element is found by its stem.

    A step `extension[name]` takes the extensions whose URL ends in that name.
    """
    nodes = [node]
    for step in path.split("."):
        stem, _, url = step.partition("[")
        found: list[Any] = []
        for each in nodes:
            if isinstance(each, dict):
                for name in _choices(each, stem):
                    value = each[name]
                    found.extend(value if isinstance(value, list) else [value])
        if url:
            found = [
                e for e in found if isinstance(e, dict) and str(e.get("url", "")).endswith("/" + url[:-1])
            ]
        nodes = found
    return nodes


def _choices(node: dict[str, Any], stem: str) -> list[str]:
    if stem in node:
        return [stem]
    return [name for name in node if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()]


_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")


def literal(reference: Any) -> tuple[str, str] | None:
    """(type, id) of a literal reference (relative or absolute), or None (fragment, urn, identifier)."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    if not isinstance(text, str) or text.startswith(("#", "urn:")):
        return None
    found = _LITERAL.search(text)
    return (found[1], found[2]) if found else None


def _rows(param: Param, value: Any) -> Iterator[Row]:
    if param.canonical:
        if isinstance(value, str):
            yield Row(param.name, "string", value.partition("|")[0], value)
    elif param.kind == "token":
        for system, code in _codes(value):
            yield Row(param.name, "token", system, code)
    elif param.kind == "date":
        for low, high in dates.ranges(value):
            yield Row(param.name, "date", low, high)
    elif param.kind == "reference":
        if found := literal(value):
            yield Row(param.name, "reference", *found)
    else:
        for text in _texts(value):
            yield Row(param.name, "string", fold(text), text)


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


def fold(text: str) -> str:
    """String search ignores case and accents (R4 §3.1.1.4.8 "string")."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
