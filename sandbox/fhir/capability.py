"""The CapabilityStatement of a FHIR API, from the tables.

The old `oauth-uris` extension is emitted too: clients and conformance suites still look there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sandbox.core.limits import CLAUSES_MAX, SEARCH_BYTES_MAX, VALUES_MAX
from sandbox.core.payer import PayerProfile
from sandbox.fhir.schema.model import Param
from sandbox.fhir.schema.types import KNOWN, TYPES
from sandbox.fhir.search.clause import chains, modifiers
from sandbox.fhir.search.include import pointing_at, references

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
SEARCHES = (
    "Every type: parameters may be repeated (and) and have several values with commas (or); _sort takes"
    " any search parameter of the type, several of them, and - before one for descending order; what has"
    " no value comes last. Without _sort a member's resources come in the order they were recorded."
    " _count, _total (none, estimate, accurate), _summary (count, false), _elements, _include and"
    " _revinclude with or without :iterate. Page links lead on for a limited time (then 410), and show"
    " the data as it was when the first page was made; with another _count they are refused."
    " A parameter that is not known is left out with a warning, or refused under Prefer: handling=strict."
    f" A search takes at most {CLAUSES_MAX} parameters that narrow it, {VALUES_MAX} values and"
    f" {SEARCH_BYTES_MAX} bytes; what is more is refused as too-costly or too-long. A page of large"
    " resources may be shorter than _count."
)
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def served(payer: PayerProfile, others: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types that a payer serves; `others` are those that its data have beyond the guides'."""
    return without((*TYPES, *others), payer.withheld_types)


@lru_cache
def without(kinds: tuple[str, ...], withheld: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types that are not withheld, in their order."""
    return tuple(kind for kind in kinds if kind not in withheld)


@dataclass(frozen=True)
class ServerDescription:
    """What a CapabilityStatement tells of an API.

    `base` has no slash at the end; `kinds` are the types it serves, `sources` those that `_revinclude` may
    name; `guides` are the canonicals of the editions that the data follow, `profiles`, by type, those that
    the data claim; `operations`, by type, names and definitions; `oauth_uris` the endpoints of the
    authorization server (none: a public API); `batch` documents a batch.
    """

    title: str
    base: str
    date: str
    version: str
    payer: PayerProfile
    kinds: Sequence[str]
    sources: Sequence[str]
    guides: Sequence[str] = ()
    instantiates: Sequence[str] = ()
    profiles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    operations: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    oauth_uris: Sequence[tuple[str, str]] = ()
    batch: str = ""


def capability_statement(server: ServerDescription) -> dict[str, Any]:
    """Return the CapabilityStatement (R4) of a server."""
    security: dict[str, Any] = {"cors": server.payer.cors}
    if server.oauth_uris:
        uris = [{"url": name, "valueUri": uri} for name, uri in server.oauth_uris]
        security["service"] = [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}]
        security["extension"] = [{"url": OAUTH_URIS, "extension": uris}]
    entry: dict[str, Any] = {
        "mode": "server",
        "documentation": SEARCHES,
        "security": security,
        "resource": [_resource(server, kind) for kind in server.kinds],
    }
    if server.batch:
        entry["interaction"] = [{"code": "batch", "documentation": server.batch}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": server.date,
        "publisher": server.payer.name,
        "kind": "instance",
        **({"instantiates": list(server.instantiates)} if server.instantiates else {}),
        "software": {"name": "payer-sandbox", "version": server.version},
        "implementation": {
            "description": f"{server.payer.name}: {server.title} (synthetic data)",
            "url": server.base,
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        **({"implementationGuide": list(server.guides)} if server.guides else {}),
        "rest": [entry],
    }


def _resource(server: ServerDescription, kind: str) -> dict[str, Any]:
    row = KNOWN[kind]
    includes = [f"{kind}:{p.name}" for p in references(kind)]
    entry: dict[str, Any] = {
        "extension": [
            {"url": COMBINATION, "extension": [{"url": "required", "valueString": name} for name in names]}
            for names in row.together
        ],
        "type": kind,
        "supportedProfile": list(server.profiles.get(kind) or row.profiles),
        "interaction": [{"code": code} for code in ("read", "vread", "history-instance", "search-type")],
        "versioning": "versioned",
        "readHistory": True,
        "conditionalRead": "full-support",
        "referencePolicy": ["resolves"],
        "searchInclude": [*includes, f"{kind}:*"] if includes else [],
        "searchRevInclude": list(pointing_at(kind, server.sources)),
        "searchParam": [_param(p) for p in row.params if p.searchable],
    }
    if operations := server.operations.get(kind):
        entry["operation"] = [{"name": name, "definition": url} for name, url in operations]
    return {name: value for name, value in entry.items() if value != []}


def _param(param: Param) -> dict[str, Any]:
    """A search parameter, with what it takes after a colon and after a dot."""
    text = "Modifiers: " + ", ".join(f":{suffix}" for suffix in modifiers(param)) + "."
    if chained := [f"{param.name}.{suffix}" for suffix in chains(param)]:
        text += " Chained: " + ", ".join(chained) + "."
    return {"name": param.name, "type": param.kind, "documentation": text}
