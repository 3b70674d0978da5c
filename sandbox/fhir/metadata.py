"""What the payer says its API can do: CapabilityStatement and smart-configuration, from the tables.

Sources: CARIN BB 2.0.0 C4BB CapabilityStatement, SMART App Launch 2.2.0 "Conformance". The old
`oauth-uris` extension is emitted too: clients and conformance suites still look there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sandbox.fhir.clauses import chains, modifiers
from sandbox.fhir.includes import pointing_at, references
from sandbox.fhir.params import TYPES, Param

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
)
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"

SCOPES = (
    "openid", "fhirUser", "profile", "launch/patient", "offline_access",
    "patient/*.rs", "patient/*.read", "user/*.rs", "user/*.read",
    *(f"{who}/{kind}.{how}" for how in ("rs", "read") for who in ("patient", "user") for kind in TYPES),
)  # fmt: skip

CAPABILITIES = (
    "launch-standalone", "client-public", "client-confidential-symmetric", "sso-openid-connect",
    "context-standalone-patient", "permission-offline", "permission-patient", "permission-user",
    "permission-v1", "permission-v2", "authorize-post",
)  # fmt: skip


def capability_statement(
    base: str, auth: str, date: str, version: str, payer: str, withheld: Collection[str]
) -> dict[str, Any]:
    """The CapabilityStatement of the server at `base` (no slash at the end); `auth` is the
    authorization server's URL; `withheld` are types that this payer does not serve."""
    uris = [
        ("authorize", "authorize"),
        ("token", "token"),
        ("revoke", "revoke"),
        ("introspect", "introspect"),
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "publisher": payer,
        "kind": "instance",
        "instantiates": ["http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb"],
        "software": {"name": "payer-sandbox", "version": version},
        "implementation": {"description": f"{payer}: Patient Access API (synthetic data)", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": SEARCHES,
                "security": {
                    "cors": False,
                    "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                    "extension": [
                        {
                            "url": OAUTH_URIS,
                            "extension": [{"url": u, "valueUri": f"{auth}/{path}"} for u, path in uris],
                        }
                    ],
                },
                "resource": [_resource(kind) for kind in TYPES if kind not in withheld],
            }
        ],
    }


def _resource(kind: str) -> dict[str, Any]:
    row = TYPES[kind]
    includes = [f"{kind}:{p.name}" for p in references(kind)]
    backwards = list(pointing_at(kind))
    entry: dict[str, Any] = {
        "extension": [_together(names) for names in row.together],
        "type": kind,
        "supportedProfile": list(row.profiles),
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "referencePolicy": ["resolves"],
        "searchInclude": [*includes, f"{kind}:*"] if includes else [],
        "searchRevInclude": backwards,
        "searchParam": [_param(p) for p in row.params if p.searchable],
    }
    if kind == "Patient":
        entry["operation"] = [
            {"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"}
        ]
    return {name: value for name, value in entry.items() if value != []}


def _param(param: Param) -> dict[str, Any]:
    """A search parameter, with what it takes after a colon and after a dot."""
    told = "Modifiers: " + ", ".join(f":{each}" for each in modifiers(param)) + "."
    if chained := [f"{param.name}.{each}" for each in chains(param)]:
        told += " Chained: " + ", ".join(chained) + "."
    return {"name": param.name, "type": param.kind, "documentation": told}


def _together(names: tuple[str, ...]) -> dict[str, Any]:
    """A combination of parameters that US Core names. All others work too."""
    return {"url": COMBINATION, "extension": [{"url": "required", "valueString": name} for name in names]}


def smart_configuration(auth: str) -> dict[str, Any]:
    """`/.well-known/smart-configuration`: every endpoint absolute, PKCE S256 only."""
    return {
        "issuer": auth,
        "jwks_uri": f"{auth}/jwks",
        "authorization_endpoint": f"{auth}/authorize",
        "token_endpoint": f"{auth}/token",
        "revocation_endpoint": f"{auth}/revoke",
        "introspection_endpoint": f"{auth}/introspect",
        "management_endpoint": auth.removesuffix("/auth") + "/portal",
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "scopes_supported": list(SCOPES),
        "capabilities": list(CAPABILITIES),
        "authorization_response_iss_parameter_supported": True,
    }


def openid_configuration(auth: str) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 §3, at `{issuer}/.well-known/openid-configuration`."""
    shared = smart_configuration(auth)
    del shared["capabilities"], shared["management_endpoint"]
    return {
        **shared,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }
