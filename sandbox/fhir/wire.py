"""Bundles and OperationOutcomes as bytes. Stored resources are spliced in, never parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.core.files import json_bytes, json_value
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
    """A searchset Bundle: total, links (relation, url), matches, then included, then warnings: of
    parameters that were not understood, and of what the token does not reach (SMART-033). `base`
    ends without a slash."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        head["total"] = page.total
    head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    prefix = b'{"fullUrl":' + json_bytes(base + "/")[:-1]
    entries = [_entry(prefix, stored, b"match") for stored in page.matches]
    entries += [_entry(prefix, stored, b"include") for stored in page.included]
    if ignored:
        entries.append(_warning("not-supported", "Not understood and left out: " + ", ".join(ignored)))
    if page.withheld:
        text = "Left out, as the scopes of the token do not reach it: " + ", ".join(page.withheld)
        entries.append(_warning("suppressed", text))
    body = json_bytes(head)
    if not entries:
        return body
    return b"".join((body[:-1], b',"entry":[', b",".join(entries), b"]}"))


def _warning(code: str, text: str) -> bytes:
    told = outcome(code, text, severity="warning")
    return b'{"resource":' + json_bytes(told) + b',"search":{"mode":"outcome"}}'


def _entry(prefix: bytes, stored: Stored, mode: bytes) -> bytes:
    where = f'{stored.type}/{stored.id}"'.encode()
    return b"".join((prefix, where, b',"resource":', stored.body, b',"search":{"mode":"', mode, b'"}}'))


def version(body: bytes) -> tuple[str, str | None]:
    """(versionId, lastUpdated) of stored bytes, for ETag and Last-Modified."""
    meta = json_value(body).get("meta", {})
    return str(meta.get("versionId", "1")), meta.get("lastUpdated")
