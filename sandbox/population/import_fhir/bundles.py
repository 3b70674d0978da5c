"""Resources of Bundles, as a server takes a transaction: ids, conditional creates, references.

R4 §3.1.0.11 (batch and transaction): a resource that comes without an id is given one, and references to
its `fullUrl` are changed to it. Here a given id is kept, and one that is assigned follows from what was
sent: the same files, the same ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from sandbox.fhir import dates
from sandbox.fhir.schema.paths import literal
from sandbox.population.import_fhir.files import Complain, FilePlace, Value
from sandbox.store.library.rows import Deletion

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)

Resolve = Callable[[str], str | None]
"""The type/id that `Type?query` stands for among what is loaded; None: nothing, or more than one."""


class ImportedResource(NamedTuple):
    """A resource of a file. `line` are its bytes where it was a line of its own and nothing about it was
    changed; `query` (`Type?query`) says that it counts only where nothing meets that."""

    place: FilePlace
    resource: dict[str, Any]
    line: bytes | None = None
    query: str | None = None


def unpacked(value: Value, resolve: Resolve, complain: Complain) -> Iterator[ImportedResource | Deletion]:
    """The resources of a value, Bundles within Bundles too."""
    content = value.content
    if not is_resource(content):
        complain(value.place, "not a FHIR resource")
    elif content["resourceType"] != "Bundle":
        yield ImportedResource(value.place, content, value.line)
    else:
        yield from _entries(value, resolve, complain)


def is_resource(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("resourceType"), str)


def digest(content: Any) -> bytes:
    """Equal for equal JSON, in whatever order its keys stand."""
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS, default=float)
    return hashlib.blake2b(text, digest_size=16).digest()


def conditional(reference: str) -> str | None:
    """`Type?query` with nothing escaped, if a reference is one."""
    return unquote(reference) if _CONDITIONAL.fullmatch(reference) else None


def _entries(value: Value, resolve: Resolve, complain: Complain) -> Iterator[ImportedResource | Deletion]:
    listed = value.content.get("entry", [])
    if not isinstance(listed, list):
        complain(value.place.at("entry"), "is not a list")
        return
    taken: list[tuple[FilePlace, dict[str, Any], str | None]] = []
    names: dict[str, str] = {}
    for number, entry in enumerate(listed):
        place = value.place.at(f"entry[{number}]")
        if not isinstance(entry, dict):
            complain(place, "is not an object")
            continue
        request = entry.get("request")
        request = request if isinstance(request, dict) else {}
        if request.get("method") == "DELETE":
            yield from _deletion(place, entry, request, complain)
        if "resource" not in entry:
            continue
        resource = entry["resource"]
        if not is_resource(resource):
            complain(place.at("resource"), "not a FHIR resource")
            continue
        if resource["resourceType"] == "Bundle":
            yield from _entries(Value(place.at("resource"), resource), resolve, complain)
            continue
        full, query = entry.get("fullUrl"), _query(resource["resourceType"], request)
        if "id" not in resource:
            resource = {**resource, "id": _assigned(resource, full, request, query)}
        if isinstance(full, str):
            there = resolve(query) if query else None
            names[full] = there or f"{resource['resourceType']}/{resource['id']}"
        taken.append((place.at("resource"), resource, query))
    for place, resource, query in taken:
        yield ImportedResource(place, renamed(resource, names.get), None, query)


def _query(kind: str, request: dict[str, Any]) -> str | None:
    """What a conditional create or update asks for."""
    created, url = request.get("ifNoneExist"), request.get("url")
    if isinstance(created, str) and created:
        return f"{kind}?{unquote(created.removeprefix('?'))}"
    return conditional(url) if isinstance(url, str) and request.get("method") == "PUT" else None


def _assigned(resource: dict[str, Any], full: Any, request: dict[str, Any], query: str | None) -> str:
    """The id of a resource that came without one."""
    kind, url = resource["resourceType"], request.get("url")
    named = literal(url) if request.get("method") == "PUT" else None
    if named and named[0] == kind:
        return named[1]
    if query:
        return digest(query).hex()
    if isinstance(full, str):
        named = literal(full)
        if named and named[0] == kind:
            return named[1]
        last = full.rpartition(":")[2]
        if full.startswith("urn:") and _ID.fullmatch(last):
            return last
    return digest([full, resource]).hex()


def _deletion(
    place: FilePlace, entry: dict[str, Any], request: dict[str, Any], complain: Complain
) -> Iterator[Deletion]:
    """What a history Bundle says was deleted, and when."""
    named = literal(request.get("url"))
    try:
        at = dates.parse(entry["response"]["lastModified"])[0]
    except (LookupError, TypeError, ValueError, AttributeError):
        at = None
    if named is None or at is None:
        complain(place, "a deletion needs request.url and response.lastModified")
    else:
        yield Deletion(*named, at)


def renamed(node: Any, name: Callable[[str], str | None]) -> Any:
    """JSON with some references changed: `name` gives the new one, or None to keep it."""
    if isinstance(node, list):
        return [renamed(child, name) for child in node]
    if not isinstance(node, dict):
        return node
    changed = {key: renamed(child, name) for key, child in node.items()}
    reference = changed.get("reference")
    if isinstance(reference, str):
        changed["reference"] = name(reference) or reference
    return changed
