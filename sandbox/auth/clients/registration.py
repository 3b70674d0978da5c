"""Dynamic registration turns metadata that an app sends into a client (RFC 7591).

Sources: RFC 7591 §2 and §3, SMART App Launch 2.2.0 "Registration" and "Backend Services" (system
scopes only with a key). Metadata that is not understood is ignored, as §2 asks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.auth.clients.client import SECRET_METHODS, AuthMethod, Client
from sandbox.auth.clients.jwks import check_jwks
from sandbox.auth.clients.redirect_uris import check_redirects
from sandbox.auth.clients.remote_keys import check_address
from sandbox.auth.errors import OAuthRefusal
from sandbox.auth.scopes import LASTING, LAUNCH, TEXT_MAX, excess, parse, split
from sandbox.core.files import json_value
from sandbox.core.payer import PayerProfile
from sandbox.store.secret import new_secret

MAX_BYTES = 65_536
"""Bytes of a registration."""

GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[!-~]+$")]


class Metadata(BaseModel):
    """Client metadata as it is posted. The defaults are those of RFC 7591 §2, but for `grant_types`: see
    `_grant_types`."""

    model_config = ConfigDict(strict=True, extra="ignore")

    redirect_uris: list[str] = []
    client_name: _Text | None = None
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    grant_types: list[GrantType] | None = Field(default=None, min_length=1, max_length=10)
    response_types: list[Literal["code"]] | None = Field(default=None, max_length=10)
    scope: Annotated[str, Field(max_length=TEXT_MAX)] | None = None
    contacts: list[_Text] = Field(default=[], max_length=10)
    client_uri: _Url | None = None
    logo_uri: _Url | None = None
    tos_uri: _Url | None = None
    policy_uri: _Url | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    software_id: _Text | None = None
    software_version: _Text | None = None
    scenario: _Text | None = None
    privacy_attestation: bool | None = None


@dataclass(frozen=True)
class RegistrationRules:
    """What registration depends on: the payer's profile, the types it serves, whether this server listens
    on loopback, and what is wrong with the name of a scenario (None: it exists)."""

    payer: PayerProfile
    types: Collection[str]
    loopback: bool
    scenario_problem: Callable[[str], str | None]


def invalid_metadata(text: str, error: str = "invalid_client_metadata", status: int = 400) -> OAuthRefusal:
    """Return the refusal of metadata that cannot be accepted."""
    return OAuthRefusal(error, text, cause="client-metadata-invalid", status=status)


def read(body: bytes) -> Metadata:
    """Return the metadata in a JSON body. Raises OAuthRefusal."""
    if len(body) > MAX_BYTES:
        raise invalid_metadata(f"The body has more than {MAX_BYTES} bytes.")
    try:
        value = json_value(body)
    except ValueError:
        raise invalid_metadata("The body is not JSON.") from None
    return understand(value)


def understand(value: Any) -> Metadata:
    """Return the metadata in a JSON value. Raises OAuthRefusal naming the member at fault."""
    if isinstance(value, dict):  # RFC 7591 §2: null is the same as not there
        value = {name: member for name, member in value.items() if member is not None}
    try:
        return Metadata.model_validate(value)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        error = "invalid_redirect_uri" if where.startswith("redirect_uris") else "invalid_client_metadata"
        raise invalid_metadata(f"{where}: {first['msg']}.", error) from None


def client_of(metadata: Metadata, rules: RegistrationRules, now: int, client_id: str | None = None) -> Client:
    """Return the client that this metadata describes, not yet written. `now` in ms. Raises OAuthRefusal."""
    grants, method = _grant_types(metadata, rules.payer), metadata.token_endpoint_auth_method
    coded = "authorization_code" in grants
    try:
        redirects = check_redirects(metadata.redirect_uris)
        if coded and not redirects:
            raise ValueError("the authorization_code grant needs at least one")
        if redirects and not coded:
            raise ValueError("only the authorization_code grant uses them")
    except ValueError as problem:
        raise invalid_metadata(f"redirect_uris: {problem}.", "invalid_redirect_uri") from None
    try:
        _check_grants(metadata, grants, rules)
        jwks = _check_keys(metadata, rules)
        scope = _ceiling(metadata.scope, grants, rules.types)
        for text in (metadata.client_name, metadata.software_id, metadata.software_version):
            _check_text(text)
        if metadata.scenario is not None and (text := rules.scenario_problem(metadata.scenario)):
            raise ValueError(f"scenario: {text}")
    except ValueError as problem:
        raise invalid_metadata(f"{problem}.") from None
    id = client_id or f"app-{new_secret(12)}"
    return Client(
        id,
        metadata.client_name or id,
        redirects,
        grant_types=grants,
        token_endpoint_auth_method=method,
        jwks=jwks,
        jwks_uri=metadata.jwks_uri,
        scope=scope,
        scenario=metadata.scenario,
        state="approved" if rules.payer.registration == "open" else "submitted",
        registered=now,
        attested=metadata.privacy_attestation,
        details={name: value for name in _KEPT if (value := getattr(metadata, name))},
    )


def _grant_types(metadata: Metadata, payer: PayerProfile) -> tuple[str, ...]:
    """Return the grant types to register. An app that names none gets authorization_code, and refresh_token
    where it may ask for lasting access and the payer gives it: RFC 7591 §2 lets the server add to the
    metadata, and the answer says so (§3.2.1)."""
    if metadata.grant_types is not None:
        return tuple(dict.fromkeys(metadata.grant_types))
    lasting = metadata.scope is None or not LASTING.isdisjoint(split(metadata.scope))
    return ("authorization_code", *(["refresh_token"] if lasting and payer.refresh_max_days else []))


_KEPT = ("contacts", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version")
"""Metadata that is echoed and kept, and decides nothing."""


def described(client: Client) -> dict[str, Any]:
    """A registered client as RFC 7591 §3.2.1 answers it, without secrets."""
    members = {
        "client_id": client.client_id,
        "client_id_issued_at": (client.registered or 0) // 1000,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "scope": client.scope,
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "scenario": client.scenario,
        "privacy_attestation": client.attested,
        "client_state": client.state,
        "client_state_criterion": client.criterion,
        **client.details,
    }
    return {name: value for name, value in members.items() if value is not None}


def needs_secret(client: Client) -> bool:
    return client.auth_method in SECRET_METHODS


def _check_grants(metadata: Metadata, grants: tuple[str, ...], rules: RegistrationRules) -> None:
    method = metadata.token_endpoint_auth_method
    basic = rules.payer.client_secret_basic
    if method == "client_secret_basic" and not basic:
        raise ValueError("token_endpoint_auth_method: this payer accepts client_secret_post instead")
    if method == "client_secret_post" and basic and not rules.payer.client_secret_post:
        raise ValueError("token_endpoint_auth_method: this payer does not accept client_secret_post")
    if "refresh_token" in grants and "authorization_code" not in grants:
        raise ValueError("grant_types: refresh_token needs authorization_code")
    if "client_credentials" in grants and method != "private_key_jwt":
        raise ValueError("grant_types: client_credentials needs private_key_jwt (SMART Backend Services)")
    expected = ["code"] if "authorization_code" in grants else []
    if metadata.response_types is not None and list(dict.fromkeys(metadata.response_types)) != expected:
        raise ValueError(f"response_types: with these grant_types it must be {expected}")


def _check_keys(metadata: Metadata, rules: RegistrationRules) -> Mapping[str, Any] | None:
    sources = [name for name in ("jwks", "jwks_uri") if getattr(metadata, name) is not None]
    if metadata.token_endpoint_auth_method != "private_key_jwt":
        if sources:
            raise ValueError(f"{sources[0]}: only a client that uses private_key_jwt has keys")
        return None
    if len(sources) != 1:
        raise ValueError("private_key_jwt needs either jwks or jwks_uri")
    if metadata.jwks_uri is not None:
        check_address(metadata.jwks_uri, rules.loopback)
        return None
    try:
        return check_jwks(metadata.jwks)
    except ValueError as problem:
        raise ValueError(f"jwks: {problem}") from None


def _ceiling(scope: str | None, grants: tuple[str, ...], types: Collection[str]) -> str | None:
    """Return the scopes that the client may ask for later, as they were written."""
    backend = "client_credentials" in grants
    if scope is None:
        if backend:
            raise ValueError("scope: client_credentials needs system scopes")
        return None
    if problem := excess(scope):
        raise ValueError(f"scope: {problem}")
    kept = split(scope)
    for text in kept:
        if text in LAUNCH:
            continue
        parsed = parse(text)
        if parsed is None or (parsed.type != "*" and parsed.type not in types):
            raise ValueError(f"scope: {text[:80]!r} is not a scope of this payer")
        if parsed.context == "system" and not backend:
            raise ValueError("scope: system scopes need client_credentials and private_key_jwt")
    if not kept:
        raise ValueError("scope: it is empty")
    if backend and not any(text.startswith("system/") for text in kept):
        raise ValueError("scope: client_credentials needs a system scope")
    return " ".join(kept)


def _check_text(text: str | None) -> None:
    """Raise ValueError for text that misleads on the consent page: invisible, or of another direction."""
    for char in text or "":
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError("client_name, software_id and software_version may have visible characters only")
