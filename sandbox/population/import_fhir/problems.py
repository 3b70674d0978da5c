"""Why a resource of somebody's file cannot be used: the element, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sandbox.fhir import dates
from sandbox.fhir.schema.paths import care_range, elements, extract, literal, owner
from sandbox.fhir.schema.types import KNOWN, TYPES
from sandbox.store.library.households import clue

Fault = tuple[str, str]
_WRONG = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
_CHOICES = frozenset({"deceased", "onset", "abatement", "effective", "performed", "occurrence", "serviced"})
"""Elements that may be a date, or words."""


def fault_of(resource: dict[str, Any], line: bytes | None = None) -> Fault | None:
    """The first fault of a resource of a type that is served. `line` are its bytes, where they are known."""
    return next(_faults(resource, line is None or b"null" in line), None)


def needs_owner(kind: str) -> bool:
    """Whether a resource of this type is of no use to anybody without a patient."""
    table = TYPES.get(kind)
    return table is not None and any(path in (*table.required, "id") for path in table.owner)


def _faults(resource: dict[str, Any], may_have_null: bool) -> Iterator[Fault]:
    kind, id = resource["resourceType"], resource.get("id")
    if not isinstance(id, str) or literal(f"{kind}/{id}") != (kind, id):
        yield "id", f"a {kind} without a valid id"
    if may_have_null and (empty := _null(resource, "")):
        yield empty, "is null, which FHIR does not have"
    yield from _of_meta(resource.get("meta", {}))
    yield from _of_dates(resource)
    try:
        list(extract(resource))
    except _WRONG:
        yield _misread(resource), "has a value of another kind than this element has"
    try:
        owner(resource), care_range(resource), clue(resource)
    except _WRONG as problem:
        yield kind, str(problem)


def _null(node: Any, path: str) -> str | None:
    """The first element that is null; a list may have one beside extensions of its items."""
    if isinstance(node, dict):
        for name, value in node.items():
            here = f"{path}.{name}" if path else name
            path_of_null = here if value is None else _null(value, here)
            if path_of_null:
                return path_of_null
    elif isinstance(node, list):
        for number, value in enumerate(node):
            if path_of_null := _null(value, f"{path}[{number}]"):
                return path_of_null
    return None


def _of_meta(meta: Any) -> Iterator[Fault]:
    if not isinstance(meta, dict):
        yield "meta", "meta is not an object"
        return
    updated = meta.get("lastUpdated")
    if updated is not None and not _is_date(updated):
        yield "meta.lastUpdated", f"not a FHIR date: {updated!r}"
    if not isinstance(meta.get("versionId", ""), str):
        yield "meta.versionId", "is not a string"
    profiles = meta.get("profile", [])
    if not isinstance(profiles, list) or not all(isinstance(profile, str) for profile in profiles):
        yield "meta.profile", "is not a list of addresses"


def _of_dates(resource: dict[str, Any]) -> Iterator[Fault]:
    """Dates that are none, or periods that are no objects, where nothing else may stand."""
    for path in _date_paths(resource["resourceType"]):
        for value in elements(resource, path):
            if isinstance(value, dict):
                for edge in ("start", "end"):
                    if edge in value and not _is_date(value[edge]):
                        yield f"{path}.{edge}", f"not a FHIR date: {value[edge]!r}"
            elif path == "period" or path.endswith("Period"):
                yield path, "is not a Period"
            elif not _is_date(value):
                yield path, f"not a FHIR date: {value!r}"


@cache
def _date_paths(kind: str) -> list[str]:
    """Where a type has dates or periods, and nothing else."""
    paths = {path for param in KNOWN[kind].params if param.kind == "date" for path in param.paths}
    if kind == "Coverage":
        paths.add("period")
    words = {path for path in paths if path.rpartition(".")[2] in _CHOICES or "[" in path}
    return sorted(paths - words - {"meta.lastUpdated"})


def _is_date(value: Any) -> bool:
    try:
        dates.parse(value)
    except _WRONG:
        return False
    return True


def _misread(resource: dict[str, Any]) -> str:
    """The path of the first parameter that cannot be read."""
    params = KNOWN[resource["resourceType"]].params
    for param in params:
        try:
            list(extract(resource, {other.name for other in params if other is not param}))
        except _WRONG:
            return param.paths[0]
    return str(resource["resourceType"])
