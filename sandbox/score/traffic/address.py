"""Derives from the URL of a FHIR request its resource type and its purpose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from sandbox.score.traffic.record import Step

_PAGE = frozenset({"_getpages", "_page", "page", "ct", "cursor", "_offset", "_getpagesoffset", "pagetoken"})
REQUEST = re.compile(
    r"/((?!(?:Fhir|Api)\b)[A-Z][a-z][A-Za-z]+)(?:/_search|/([A-Za-z0-9\-.]{1,64}))?(/\$everything)?/?\Z"
)
"""The end of a path: type, id, and whether it is `$everything`."""


def kind_and_step(url: str) -> tuple[str, Step]:
    """Return the resource type of a request, empty where there is none, and its step."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "individual"
    match = REQUEST.search(parts.path)
    if asks_for_page(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return match[1] if match else "", "pagination"
    if not match:
        return "", "individual"
    kind, id_, everything = match.groups()
    if everything:
        return kind, "everything"
    return kind, "reference" if id_ and kind != "Patient" else "individual"


def asks_for_page(names: Iterable[str]) -> bool:
    """Return whether these are the parameters of a further page."""
    return any(name.lower() in _PAGE for name in names)


def names_type(url: str) -> bool:
    """Return whether the path ends in a type or a resource, as that of a search or read does."""
    return bool(REQUEST.search(url.partition("?")[0]))
