"""Refuses a target that is no FHIR base, and finds the base that was probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from sandbox.core.errors import UsageError
from sandbox.score.collect.discovery import (
    Discovery,
    discover,
    find_capability_statement,
    is_fhir_shaped,
)
from sandbox.score.http.client import HttpClient

DOCUMENTS = ("/.well-known/smart-configuration", "/.well-known/payer-facts", "/metadata")
"""Documents of a FHIR base, whose address people paste instead of the base."""

BASES = ("fhir", "fhir/r4", "fhir/R4", "api/fhir", "r4", "api/fhir/r4")
"""Where FHIR bases usually are below a host or a path."""

MOST_CANDIDATES = 12


def require_fhir_base(http: HttpClient, base: str, discovery: Discovery, is_known: bool) -> None:
    """Raise UsageError, with the base that was probably meant, unless a FHIR server answers at `base`.

    `is_known`: a facts document was served there. A payer that is down for now (500s, 429, no answer) is
    graded: nothing shows that its address is wrong.
    """
    if not discovery.reached:
        raise UsageError(_explain_unreached(http, base, discovery))
    cut = next((base.removesuffix(ending) for ending in DOCUMENTS if base.endswith(ending)), "")
    if cut and find_capability_statement(http, cut):
        raise UsageError(f"{base} is a document of a FHIR base: did you mean {cut}?")
    documents = (discovery.capability, discovery.smart)
    if is_known or any(d.present for d in documents):
        return
    speaks_fhir = any(d.is_fhir and d.status != 404 for d in documents) or _has_patients(http, base)
    meant = _find_meant(http, base, above_only=speaks_fhir)
    is_down = all(d.status in (0, 429) or d.status >= 500 for d in documents)
    if not meant and (speaks_fhir or is_down):
        return
    why = (
        f"metadata {discovery.capability.missing}, .well-known/smart-configuration {discovery.smart.missing}"
    )
    hint = f"did you mean {meant}?" if meant else "pass the address below which metadata and Patient are"
    raise UsageError(f"{base} does not look like a FHIR base ({why}): {hint}")


def _has_patients(http: HttpClient, base: str) -> bool:
    """Return whether Patient is there, if only for others: a FHIR server answers 404 below a wrong base."""
    headers = {"Accept": "application/fhir+json"}
    answer = http.get(f"{base}/Patient", step="discovery", headers=headers)
    return answer.status != 404 and is_fhir_shaped(answer)


def _find_meant(http: HttpClient, base: str, above_only: bool) -> str:
    """Return the first likely base that has a CapabilityStatement; empty when none has.

    `above_only`: a FHIR server answers here, so the address can only be too long.
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
    """Yield likely bases: below the path, its parents, below the host."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")

    def at(place: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, place, "", ""))

    yield from (at(f"{path}/{below}") for below in BASES[:4])
    while path:
        path = path.rpartition("/")[0]
        yield at(path)
        if not path:
            yield from (at(f"/{below}") for below in BASES)


def _explain_unreached(http: HttpClient, base: str, discovery: Discovery) -> str:
    """Return why nothing answers, in one line; a wrong scheme (http or https) is named."""
    why = discovery.capability.missing or discovery.smart.missing
    other = _swap_scheme(base)
    if ("TLS" in why or "not HTTP" in why) and _answers(http, other):
        spoken, tried = other.partition(":")[0], base.partition(":")[0]
        return f"{base} cannot be reached: the port speaks {spoken}, not {tried}: did you mean {other}?"
    return f"{base} cannot be reached: {why}"


def _swap_scheme(base: str) -> str:
    scheme, colon, address = base.partition(":")
    return f"{'http' if scheme == 'https' else 'https'}{colon}{address}"


def _answers(http: HttpClient, base: str) -> bool:
    """Return whether a server answers there in this scheme."""
    with http.aimed_at(base) as other:
        discovery = discover(other, base)
    untrusted = any("certificate" in e.note for e in discovery.capability.exchanges)
    return discovery.capability.present or discovery.smart.present or untrusted
