"""Dynamic registration: a stranger's metadata becomes a client, or an error of RFC 7591 §3.2.2.

Sources: RFC 7591 §2 and §3, SMART App Launch 2.2.0 "Registration" and "Backend Services" (system
scopes only with a key). Metadata that is not understood is ignored, as §2 asks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.auth.clients.authentication import speakable
from sandbox.auth.clients.client import SECRET_METHODS, AuthMethod, Client, State
from sandbox.auth.clients.jwks import check_jwks
from sandbox.auth.clients.redirect_uris import check_redirects
from sandbox.auth.clients.remote_keys import check_address
from sandbox.auth.scopes import LASTING, LAUNCH, TEXT_MAX, excess, parse, split
from sandbox.core.files import json_value
from sandbox.core.payer import PayerProfile
from sandbox.store.secret import new_secret

MAX_BYTES = 65_536
"""Bytes of a registration."""

GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[!-~]+$")]


class RegistrationError(Exception):
    """What RFC 7591 §3.2.2 answers: `error` and its description."""

    def __init__(self, error: str, description: str):
        super().__init__(description)
        self.error, self.description = error, speakable(description)


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
    """What registration depends on: the payer's character, the types it serves, whether this server
    listens on loopback, and what to say of a scenario's name (None: it exists)."""

    payer: PayerProfile
    types: Collection[str]
    loopback: bool
    scenario_problem: Callable[[str], str | None]

    def first_state(self) -> State:
        return "approved" if self.payer.registration == "open" else "submitted"


def read(body: bytes) -> Metadata:
    """The metadata in a JSON body. Raises RegistrationError."""
    if len(body) > MAX_BYTES:
        raise RegistrationError("invalid_client_metadata", f"The body has more than {MAX_BYTES} bytes")
    try:
        value = json_value(body)
    except ValueError:
        raise RegistrationError("invalid_client_metadata", "The body is not JSON") from None
    return understand(value)


def understand(value: Any) -> Metadata:
    """The metadata in a JSON value. Raises RegistrationError naming the member at fault."""
    if isinstance(value, dict):  # RFC 7591 §2: null is the same as not there
        value = {name: each for name, each in value.items() if each is not None}
    try:
        return Metadata.model_validate(value)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        error = "invalid_redirect_uri" if where.startswith("redirect_uris") else "invalid_client_metadata"
        raise RegistrationError(error, f"{where}: {first['msg']}") from None


def client_of(metadata: Metadata, rules: RegistrationRules, now: int, client_id: str | None = None) -> Client:
    """The client that this metadata describes, not yet written. `now` in ms. Raises RegistrationError."""
    grants, method = _grant_types(metadata, rules.payer), metadata.token_endpoint_auth_method
    coded = "authorization_code" in grants
    try:
        redirects = check_redirects(metadata.redirect_uris)
        if coded and not redirects:
            raise ValueError("authorization_code needs at least one")
        if redirects and not coded:
            raise ValueError("only authorization_code has use for them")
    except ValueError as problem:
        raise RegistrationError("invalid_redirect_uri", f"redirect_uris: {problem}") from None
    try:
        _check_grants(metadata, grants, rules)
        jwks = _check_keys(metadata, rules)
        scope = _ceiling(metadata.scope, grants, rules.types)
        for text in (metadata.client_name, metadata.software_id, metadata.software_version):
            _check_text(text)
        if metadata.scenario is not None and (told := rules.scenario_problem(metadata.scenario)):
            raise ValueError(f"scenario: {told}")
    except ValueError as problem:
        raise RegistrationError("invalid_client_metadata", str(problem)) from None
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
        state=rules.first_state(),
        registered=now,
        attested=metadata.privacy_attestation,
        details={name: value for name in _KEPT if (value := getattr(metadata, name))},
    )


def _grant_types(metadata: Metadata, payer: PayerProfile) -> tuple[str, ...]:
    """The grant types as they are registered. An app that names none gets authorization_code, and with it
    refresh_token where it may ask for lasting access and the payer gives it: RFC 7591 §2 lets the server
    add to the metadata, and §3.2.1 has the answer say so."""
    if metadata.grant_types is not None:
        return tuple(dict.fromkeys(metadata.grant_types))
    lasting = metadata.scope is None or not LASTING.isdisjoint(split(metadata.scope))
    return ("authorization_code", *(["refresh_token"] if lasting and payer.refresh_max_days else []))


_KEPT = ("contacts", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version")
"""Metadata that is echoed and kept, and decides nothing."""


def described(client: Client) -> dict[str, Any]:
    """A registered client as RFC 7591 §3.2.1 answers it, without secrets."""
    told = {
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
    return {name: value for name, value in told.items() if value is not None}


def needs_secret(client: Client) -> bool:
    return client.auth_method in SECRET_METHODS


def _check_grants(metadata: Metadata, grants: tuple[str, ...], rules: RegistrationRules) -> None:
    method = metadata.token_endpoint_auth_method
    basic = rules.payer.client_secret_basic
    if method == "client_secret_basic" and not basic:
        raise ValueError("token_endpoint_auth_method: this payer takes client_secret_post")
    if method == "client_secret_post" and basic and not rules.payer.client_secret_post:
        raise ValueError("token_endpoint_auth_method: this payer does not take client_secret_post")
    if "refresh_token" in grants and "authorization_code" not in grants:
        raise ValueError("grant_types: refresh_token goes with authorization_code")
    if "client_credentials" in grants and method != "private_key_jwt":
        raise ValueError("grant_types: client_credentials needs private_key_jwt (SMART Backend Services)")
    wanted = ["code"] if "authorization_code" in grants else []
    if metadata.response_types is not None and list(dict.fromkeys(metadata.response_types)) != wanted:
        raise ValueError(f"response_types: with these grant_types it is {wanted}")


def _check_keys(metadata: Metadata, rules: RegistrationRules) -> Mapping[str, Any] | None:
    given = [name for name in ("jwks", "jwks_uri") if getattr(metadata, name) is not None]
    if metadata.token_endpoint_auth_method != "private_key_jwt":
        if given:
            raise ValueError(f"{given[0]}: only private_key_jwt has use for keys")
        return None
    if len(given) != 1:
        raise ValueError("private_key_jwt needs either jwks or jwks_uri, and not both")
    if metadata.jwks_uri is not None:
        check_address(metadata.jwks_uri, rules.loopback)
        return None
    try:
        return check_jwks(metadata.jwks)
    except ValueError as problem:
        raise ValueError(f"jwks: {problem}") from None


def _ceiling(asked: str | None, grants: tuple[str, ...], types: Collection[str]) -> str | None:
    """What the client may ask later: the scopes as they were written, known ones only."""
    backend = "client_credentials" in grants
    if asked is None:
        if backend:
            raise ValueError("scope: client_credentials needs the system scopes that are wanted")
        return None
    if problem := excess(asked):
        raise ValueError(f"scope: {problem}")
    kept = split(asked)
    for text in kept:
        found = parse(text)
        if text in LAUNCH:
            continue
        if found is None or (found.type != "*" and found.type not in types):
            raise ValueError(f"scope: {text[:80]!r} is not a scope of this payer")
        if found.context == "system" and not backend:
            raise ValueError("scope: system scopes need client_credentials and private_key_jwt")
    if not kept:
        raise ValueError("scope: it is empty")
    if backend and not any(text.startswith("system/") for text in kept):
        raise ValueError("scope: client_credentials needs a system scope")
    return " ".join(kept)


def _check_text(text: str | None) -> None:
    """Names stand on the consent page: nothing invisible, nothing that turns the writing around."""
    for char in text or "":
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError("client_name, software_id and software_version hold visible characters only")
