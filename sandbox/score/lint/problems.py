"""Rules about error responses of the FHIR API: their form, and what they reveal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sandbox.score.http.answers import objects, word

_SSN = re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)")
_INSIDE = re.compile(
    r"Traceback \(most recent|\bat (?:java|org|com)\.[\w.]+\(|Exception in thread|SQLSTATE|ORA-\d{5}"
    r"|System\.\w+Exception|(?i:\bselect\b.{1,80}\bfrom\b.{1,40}\bwhere\b)"
)


def answer(
    status: int, headers: Mapping[str, str], body: dict[str, Any], text: str, private: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Check a response of 400 or more. `private` are names and identifiers of members."""
    if body.get("resourceType") != "OperationOutcome":
        yield "error-body", f"a {status} without an OperationOutcome"
    if status == 401 and "www-authenticate" not in headers:
        yield "error-challenge", "a 401 without WWW-Authenticate"
    if _SSN.search(text):
        yield "phi-in-errors", f"a {status} contains what looks like a social security number"
    if any(re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) for secret in private):
        yield "phi-in-errors", f"a {status} contains a name, birth date or identifier of a member"
    if _INSIDE.search(text):
        yield "internals-in-errors", f"a {status} contains a stack trace or a query"


def private_words(patient: dict[str, Any]) -> set[str]:
    """Return what of a Patient must not appear in an error: names, birth date, identifiers."""
    words = {word(patient.get("birthDate") or "")}
    for name in objects(patient.get("name")):
        words.add(word(name.get("family") or ""))
    for identifier in objects(patient.get("identifier")):
        words.add(word(identifier.get("value") or ""))
    return {text for text in words if len(text) >= 4 and text != patient.get("id")}
