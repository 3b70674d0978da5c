"""Bundles and OperationOutcomes as bytes. Stored resources are spliced in, never parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.core.files import json_bytes
from sandbox.core.limits import shorten
from sandbox.fhir import dates
from sandbox.fhir.library import Page, Stored

JSON = "application/fhir+json; charset=utf-8"


def outcome(
    code: str,
    text: str,
    *,
    severity: str = "error",
    expression: str | None = None,
    diagnostics: str | None = None,
) -> dict[str, Any]:
    """An OperationOutcome with one issue. `text` is for people and never holds member data."""
    issue: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": text}}
    if expression:
        issue["expression"] = [expression]
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def searchset(page: Page, base: str, links: Sequence[tuple[str, str]], ignored: Sequence[str] = ()) -> bytes:
    """Return a searchset Bundle: matches, then included resources, then warnings.

    `links` are (relation, url); `base` ends without a slash. The warnings are about parameters that were not
    understood (`ignored`) and types that the token does not reach (SMART-033).
    """
    prefix = json_bytes({"fullUrl": base + "/"})[:-2]
    pieces: list[bytes] = []
    for resources, end in ((page.matches, _MATCH), (page.included, _INCLUDE)):
        for stored in resources:
            pieces += (prefix, stored.address, b'","resource":', stored.body, end)
    if ignored:
        pieces.append(_warning("not-supported", "Not understood and left out: " + shorten(ignored)))
    if page.withheld:
        text = "Left out, as the scopes of the token do not reach it: " + ", ".join(page.withheld)
        pieces.append(_warning("suppressed", text))
    head = _head("searchset", page.total, links)
    if not pieces:
        return head
    pieces[-1] = pieces[-1][:-1]  # the last comma
    return b"".join((head[:-1], b',"entry":[', *pieces, b"]}"))  # every body is copied once


def _warning(code: str, text: str) -> bytes:
    body = json_bytes(outcome(code, text, severity="warning"))
    name = json_bytes(uuid5(NAMESPACE_URL, body.decode()).urn)
    return b'{"fullUrl":' + name + b',"resource":' + body + b',"search":{"mode":"outcome"}},'


_MATCH, _INCLUDE = b',"search":{"mode":"match"}},', b',"search":{"mode":"include"}},'


def etag(stored: Stored) -> str:
    """The version of a resource as HTTP names it: weak, as the bytes may differ (R4 §3.1.0.1.3)."""
    return f'W/"{stored.version}"'


def history(versions: Sequence[Stored], base: str, url: str) -> bytes:
    """Return a history Bundle of the versions of one resource, the newest first.

    Nothing says how a payer's system made a version, so each is a PUT; the first one created it (201).
    """
    entries = []
    for stored in versions:
        where = f"{stored.type}/{stored.id}"
        response = {
            "status": "201" if stored.version == "1" else "200",
            "etag": etag(stored),
            "lastModified": dates.instant(stored.updated),
        }
        exchange = {"request": {"method": "PUT", "url": where}, "response": response}
        head = json_bytes({"fullUrl": f"{base}/{where}"})[:-1]
        entries.append(b"".join((head, b',"resource":', stored.body, b",", json_bytes(exchange)[1:])))
    return bundle("history", entries, total=len(entries), links=(("self", url),))


def bundle(
    kind: str, entries: Sequence[bytes], *, total: int | None = None, links: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A Bundle of finished entries; `links` are (relation, url)."""
    body = _head(kind, total, links)
    return b"".join((body[:-1], b',"entry":[', b",".join(entries), b"]}")) if entries else body


def _head(kind: str, total: int | None, links: Sequence[tuple[str, str]]) -> bytes:
    """A Bundle without entries."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    return json_bytes(head)
