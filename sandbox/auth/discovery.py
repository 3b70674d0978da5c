"""What the authorization server says of itself: SMART, OpenID and RFC 8414 discovery documents.

Sources: SMART App Launch 2.2.0 "Conformance", OpenID Connect Discovery 1.0, RFC 8414.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core.payer import BASELINE, PayerProfile
from sandbox.fhir.capability import served

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


@dataclass(frozen=True)
class Addresses:
    """Absolute URLs without a slash at the end: the issuer, the page where members manage apps, and the
    Bundle of brands."""

    issuer: str
    management: str
    brands: str


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
    words = [
        "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
        "client-confidential-asymmetric", "sso-openid-connect", "context-standalone-patient",
        "permission-patient", "permission-user", "permission-v1", "permission-v2",
    ]  # fmt: skip
    return words + (["permission-offline", "permission-online"] if payer.refresh_max_days else [])


def smart_configuration(
    addresses: Addresses, payer: PayerProfile = BASELINE, others: Sequence[str] = ()
) -> dict[str, Any]:
    """Return `/.well-known/smart-configuration` (SMART-002): every endpoint absolute, PKCE S256 only, and
    what follows from the payer's profile. `others` as in the CapabilityStatement."""
    auth = addresses.issuer
    left_out = set() if payer.par != "off" else {"pushed_authorization_request_endpoint"}
    if payer.registration == "closed":
        left_out.add("registration_endpoint")
    grants = ["authorization_code", "client_credentials"]
    methods = (["client_secret_basic"] if payer.client_secret_basic else []) + ["private_key_jwt", "none"]
    return {
        "issuer": auth,
        "jwks_uri": f"{auth}/jwks",
        **{name: f"{auth}/{path}" for name, _, path in _ENDPOINTS if name not in left_out},
        "management_endpoint": addresses.management,
        "user_access_brand_bundle": addresses.brands,
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


def server_metadata(
    addresses: Addresses, payer: PayerProfile = BASELINE, others: Sequence[str] = ()
) -> dict[str, Any]:
    """RFC 8414 authorization server metadata: the same without SMART's own words."""
    own = ("capabilities", "management_endpoint", "user_access_brand_bundle", "user_access_brand_identifier")
    smart = smart_configuration(addresses, payer, others)
    methods = {name: value for name, value in smart.items() if name.startswith("token_endpoint_auth_")}
    return {
        **{name: value for name, value in smart.items() if name not in own},
        **{name.replace("token", "revocation", 1): value for name, value in methods.items()},
        **{name.replace("token", "introspection", 1): value for name, value in methods.items()},
    }


def openid_configuration(
    addresses: Addresses, payer: PayerProfile = BASELINE, others: Sequence[str] = ()
) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 §3, at `{issuer}/.well-known/openid-configuration`."""
    return {
        **server_metadata(addresses, payer, others),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser", "profile"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        # Without this line it would be true. A pushed request's name works all the same (RFC 9126 §5).
        "request_uri_parameter_supported": False,
    }


def oauth_uris(addresses: Addresses, payer: PayerProfile) -> list[tuple[str, str]]:
    """Return the endpoints under the names that the old `oauth-uris` extension has."""
    smart = smart_configuration(addresses, payer)
    uris = [(old, smart[name]) for name, old, _ in _ENDPOINTS if old and name in smart]
    return [*uris, ("manage", smart["management_endpoint"])]
