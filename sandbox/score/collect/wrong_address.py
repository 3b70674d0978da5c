"""A target that is no FHIR base: whether anything FHIR-shaped answers there, and which base was meant."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from sandbox.core.errors import UsageError
from sandbox.score.collect.discovery import (
    Discovery,
    DiscoveryDocument,
    discover,
    find_capability_statement,
    is_fhir_shaped,
)
from sandbox.score.http.client import HttpClient

DOCUMENTS = ("/.well-known/smart-configuration", "/.well-known/payer-facts", "/metadata")
"""Documents of a FHIR base, whose address people paste instead of the base."""

BASES = ("/fhir", "/fhir/r4", "/fhir/R4", "/api/fhir", "/r4", "/api/fhir/r4")
"""Where FHIR bases usually are below a host or a path."""

MOST_CANDIDATES = 12


def require_fhir_base(http: HttpClient, base: str, described: Discovery, is_known: bool) -> None:
    """Raises UsageError, with the base that was probably meant, unless FHIR is spoken at `base`.

    `is_known`: a facts document was served there. A payer that is down for now (500s, 429, no whole answer)
    is graded: nothing shows that its address is wrong.
    """
    if not described.reached:
        raise UsageError(_explain_unreached(http, base, described))
    if (cut := _cut(base)) and find_capability_statement(http, cut):
        raise UsageError(f"{base} is a document of a FHIR base: did you mean {cut}?")
    documents = (described.capability, described.smart)
    if is_known or any(document.present for document in documents):
        return
    speaks_fhir = any(document.is_fhir and _status(document) != 404 for document in documents)
    speaks_fhir = speaks_fhir or _has_patients(http, base)
    meant = _find_meant(http, base, above_only=speaks_fhir)
    if not meant and (speaks_fhir or all(_is_down(document) for document in documents)):
        return
    why = (
        f"metadata {described.capability.missing}, .well-known/smart-configuration {described.smart.missing}"
    )
    hint = f"did you mean {meant}?" if meant else "give the address that metadata and Patient are below"
    raise UsageError(f"{base} does not look like a FHIR base ({why}): {hint}")


def _cut(base: str) -> str:
    """The base of a document's address; empty for any other address."""
    return next((base.removesuffix(ending) for ending in DOCUMENTS if base.endswith(ending)), "")


def _has_patients(http: HttpClient, base: str) -> bool:
    """Whether Patient is there, if only for others: a FHIR server says 404 below an address that is none."""
    headers = {"Accept": "application/fhir+json"}
    answer = http.get(f"{base}/Patient", step="discovery", headers=headers)
    return answer.status != 404 and is_fhir_shaped(answer)


def _is_down(document: DiscoveryDocument) -> bool:
    status = _status(document)
    return status == 0 or status == 429 or status >= 500


def _status(document: DiscoveryDocument) -> int:
    return document.exchanges[-1].status if document.exchanges else 0


def _find_meant(http: HttpClient, base: str, above_only: bool) -> str:
    """The first likely base that has a CapabilityStatement; empty when none has.

    `above_only`: FHIR is spoken here, so only the address may be too long.
    """
    likely = [url for url in dict.fromkeys(_candidates(base)) if url != base]
    if above_only:
        likely = [url for url in likely if base.startswith(url)]
    for candidate in likely[:MOST_CANDIDATES]:
        if find_capability_statement(http, candidate):
            return candidate
    if above_only:
        return ""
    other = _swap_scheme(base)
    return other if base.startswith("http:") and _answers(http, other) else ""


def _candidates(base: str) -> Iterator[str]:
    """Likely bases: below the path, its parents, below the host."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")

    def at(place: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, place, "", ""))

    yield from (at(path + below) for below in BASES[:4])
    while path:
        path = path.rpartition("/")[0]
        yield at(path)
        if not path:
            yield from (at(below) for below in BASES)


def _explain_unreached(http: HttpClient, base: str, described: Discovery) -> str:
    """Why nothing answers, in one line; https where http is spoken, and the reverse, are named."""
    why = described.capability.missing or described.smart.missing
    other = _swap_scheme(base)
    if ("TLS" in why or "not HTTP" in why) and _answers(http, other):
        spoken, asked = other.partition(":")[0], base.partition(":")[0]
        return f"{base} cannot be reached: the port speaks {spoken}, not {asked}: did you mean {other}?"
    return f"{base} cannot be reached: {why}"


def _swap_scheme(base: str) -> str:
    return (
        f"http{base.removeprefix('https')}"
        if base.startswith("https")
        else f"https{base.removeprefix('http')}"
    )


def _answers(http: HttpClient, base: str) -> bool:
    """Whether the other scheme is spoken at the same host and port."""
    with http.aimed_at(base) as other:
        described = discover(other, base)
    untrusted = any("certificate" in e.note for e in described.capability.exchanges)
    return described.capability.present or described.smart.present or untrusted
