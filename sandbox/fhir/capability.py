"""What the payer says its API can do: CapabilityStatement and smart-configuration, from the tables.

Sources: CARIN BB 2.0.0 C4BB CapabilityStatement, SMART App Launch 2.2.0 "Conformance". The old
`oauth-uris` extension is emitted too: clients and conformance suites still look there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sandbox.core.limits import CLAUSES_MAX, SEARCH_BYTES_MAX, VALUES_MAX
from sandbox.core.payer import BASELINE, PayerProfile
from sandbox.fhir.schema.paths import KNOWN, TYPES, Param
from sandbox.fhir.search.clause import chains, modifiers
from sandbox.fhir.search.include import pointing_at, references

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
INSTANTIATES = (
    "http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb",
    "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server",
)
OPERATIONS = {
    "Patient": ("everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"),
    "DocumentReference": ("docref", "http://hl7.org/fhir/us/core/OperationDefinition/docref"),
}
"""Type → name and definition of its operation."""

BATCH = "Reads, searches and operations by GET, each an exchange of its own; nothing is written."
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

_ENDPOINTS = (
    # name in smart-configuration, name in oauth-uris (None: it has none), path below the issuer
    ("authorization_endpoint", "authorize", "authorize"),
    ("token_endpoint", "token", "token"),
    ("introspection_endpoint", "introspect", "introspect"),
    ("revocation_endpoint", "revoke", "revoke"),
    ("registration_endpoint", "register", "register"),
    ("pushed_authorization_request_endpoint", None, "par"),
)

_CORE_CONDITION = "http://hl7.org/fhir/us/core/CodeSystem/condition-category|"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category|"
_CORE_OBSERVATION = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category|"
_OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category|"
_DOCUMENT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|"

GRANULAR = (
    ("Condition", f"{_CORE_CONDITION}health-concern"),
    ("Condition", f"{_CONDITION}encounter-diagnosis"),
    ("Condition", f"{_CONDITION}problem-list-item"),
    ("Observation", f"{_CORE_OBSERVATION}sdoh"),
    *(("Observation", _OBSERVATION + code)
      for code in ("laboratory", "social-history", "survey", "vital-signs")),
    ("DocumentReference", f"{_DOCUMENT}clinical-note"),
)  # fmt: skip
"""The categories by which US Core 7 wants a member to be able to grant a part of a type; any token
parameter of any type works."""


def served(payer: PayerProfile, others: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types that a payer serves; `others` are those that its data have beyond the guides'."""
    return _served(payer.withheld_types, tuple(others))


@lru_cache
def _served(withheld: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind for kind in (*TYPES, *others) if kind not in withheld)


def scopes(payer: PayerProfile, others: Sequence[str] = ()) -> list[str]:
    """`scopes_supported`: those of types the payer serves, and of refresh only what it does."""
    kinds = served(payer, others)
    refreshing = ["offline_access", "online_access"] if payer.refresh_max_days else []
    return [
        "openid", "fhirUser", "profile", "launch/patient", *refreshing,
        *(f"{who}/*.{how}" for who in ("patient", "user", "system") for how in ("rs", "read")),
        *(f"{who}/{kind}.{how}" for how in ("rs", "read") for who in ("patient", "user") for kind in kinds),
        *(f"system/{kind}.rs" for kind in kinds),
        *(f"patient/{kind}.rs?category={code}" for kind, code in GRANULAR if kind in kinds),
    ]  # fmt: skip


def capabilities(payer: PayerProfile) -> list[str]:
    """SMART's words for what this payer can do (SMART-003, SMART-005)."""
    told = [
        "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
        "client-confidential-asymmetric", "sso-openid-connect", "context-standalone-patient",
        "permission-patient", "permission-user", "permission-v1", "permission-v2",
    ]  # fmt: skip
    return told + (["permission-offline", "permission-online"] if payer.refresh_max_days else [])


def capability_statement(
    base: str,
    auth: str,
    date: str,
    version: str,
    payer: PayerProfile,
    guides: Sequence[str] = (),
    profiles: Mapping[str, Sequence[str]] = MappingProxyType({}),
    others: Sequence[str] = (),
) -> dict[str, Any]:
    """The CapabilityStatement of the server at `base` (no slash at the end); `auth` is the
    authorization server's URL; `guides` are the canonicals of the editions that the data follow,
    `profiles`, by type, those that the data claim, and `others` their types beyond the guides'. Its
    `oauth-uris` say what smart-configuration says."""
    smart = smart_configuration(auth, payer)
    kinds = served(payer, others)
    uris = [(old, smart[name]) for name, old, _ in _ENDPOINTS if old and name in smart]
    uris.append(("manage", smart["management_endpoint"]))
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "publisher": payer.name,
        "kind": "instance",
        "instantiates": list(INSTANTIATES),
        "software": {"name": "payer-sandbox", "version": version},
        "implementation": {"description": f"{payer.name}: Patient Access API (synthetic data)", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        **({"implementationGuide": list(guides)} if guides else {}),
        "rest": [
            {
                "mode": "server",
                "documentation": SEARCHES,
                "security": {
                    "cors": payer.cors,
                    "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                    "extension": [
                        {
                            "url": OAUTH_URIS,
                            "extension": [{"url": old, "valueUri": uri} for old, uri in uris],
                        }
                    ],
                },
                "resource": [
                    _resource(kind, payer, profiles.get(kind) or KNOWN[kind].profiles, (*TYPES, *others))
                    for kind in kinds
                ],
                "interaction": [{"code": "batch", "documentation": BATCH}],
            }
        ],
    }


def _resource(
    kind: str, payer: PayerProfile, profiles: Sequence[str], sources: Sequence[str]
) -> dict[str, Any]:
    row = KNOWN[kind]
    includes = [f"{kind}:{p.name}" for p in references(kind)]
    backwards = list(pointing_at(kind, sources))
    entry: dict[str, Any] = {
        "extension": [_together(names) for names in row.together],
        "type": kind,
        "supportedProfile": list(profiles),
        "interaction": [{"code": code} for code in ("read", "vread", "history-instance", "search-type")],
        "versioning": "versioned",
        "readHistory": True,
        "conditionalRead": "full-support",
        "referencePolicy": ["resolves"],
        "searchInclude": [*includes, f"{kind}:*"] if includes else [],
        "searchRevInclude": backwards,
        "searchParam": [_param(p) for p in row.params if p.searchable],
    }
    if kind in OPERATIONS and not (kind == "Patient" and payer.everything == "none"):
        name, definition = OPERATIONS[kind]
        entry["operation"] = [{"name": name, "definition": definition}]
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


def smart_configuration(
    auth: str, payer: PayerProfile = BASELINE, others: Sequence[str] = ()
) -> dict[str, Any]:
    """`/.well-known/smart-configuration` (SMART-002): every endpoint absolute, PKCE S256 only, and
    what follows from the payer's character. `others` as in the CapabilityStatement."""
    base = auth.removesuffix("/auth")
    left_out = set() if payer.par != "off" else {"pushed_authorization_request_endpoint"}
    if payer.registration == "closed":
        left_out.add("registration_endpoint")
    grants = ["authorization_code", "client_credentials"]
    methods = (["client_secret_basic"] if payer.client_secret_basic else []) + ["private_key_jwt", "none"]
    return {
        "issuer": auth,
        "jwks_uri": f"{auth}/jwks",
        **{name: f"{auth}/{path}" for name, _, path in _ENDPOINTS if name not in left_out},
        "management_endpoint": f"{base}/portal",
        "user_access_brand_bundle": f"{base}/branding.json",
        "user_access_brand_identifier": {"system": "urn:ietf:rfc:3986", "value": payer.website},
        "grant_types_supported": grants + (["refresh_token"] if payer.refresh_max_days else []),
        "response_types_supported": ["code"],
        "response_modes_supported": [payer.response_mode],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods
        + (["client_secret_post"] if payer.client_secret_post or not payer.client_secret_basic else []),
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": scopes(payer, others),
        "capabilities": capabilities(payer),
        "authorization_response_iss_parameter_supported": payer.callback_iss,
        "require_pushed_authorization_requests": payer.par == "required",
    }


def server_metadata(auth: str, payer: PayerProfile = BASELINE, others: Sequence[str] = ()) -> dict[str, Any]:
    """RFC 8414 authorization server metadata: the same without SMART's own words."""
    shared = smart_configuration(auth, payer, others)
    for name in (
        "capabilities",
        "management_endpoint",
        "user_access_brand_bundle",
        "user_access_brand_identifier",
    ):
        del shared[name]
    for endpoint in ("revocation", "introspection"):
        for what in ("methods", "signing_alg_values"):
            shared[f"{endpoint}_endpoint_auth_{what}_supported"] = shared[
                f"token_endpoint_auth_{what}_supported"
            ]
    return shared


def openid_configuration(
    auth: str, payer: PayerProfile = BASELINE, others: Sequence[str] = ()
) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 §3, at `{issuer}/.well-known/openid-configuration`."""
    return {
        **server_metadata(auth, payer, others),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "fhirUser",
            "profile",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        # Without this line it would be true. A pushed request's name works all the same (RFC 9126 §5).
        "request_uri_parameter_supported": False,
    }
