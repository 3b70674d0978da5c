"""The authorization request: checked in SMART's order of errors, remembered, answered.

Sources: SMART App Launch 2.2.0 "Obtain authorization code", RFC 6749 §4.1.1–4.1.2.1, RFC 7636,
RFC 9700 §2.1, RFC 9207 (iss). First the client and its redirect URI: those errors never redirect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

from sandbox.auth.clients import Client
from sandbox.auth.desk import Desk
from sandbox.auth.scopes import asks_for_system, narrow
from sandbox.core.errors import BadRequest, bad_request
from sandbox.store.ledger import Code, Grant, new_secret

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_SINGLE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "code_challenge",
    "code_challenge_method", "nonce", "prompt",
)  # fmt: skip


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that passed every check. `scope` holds what may be granted of what was asked."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AuthorizationRequest:
        return cls(**{**data, "scope": tuple(data["scope"])})


@dataclass(frozen=True)
class Decision:
    """What is about to be sent to the app after consent: the AUTHORIZE gate's value.

    `error` None means a code is issued; `params` go into the callback as they are.
    """

    username: str
    patient: str
    scope: tuple[str, ...]
    redirect_uri: str
    params: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    description: str | None = None
    refused: str | None = None


class CallbackError(Exception):
    """An error that the app is told of on its redirect URI (RFC 6749 §4.1.2.1)."""

    def __init__(self, redirect_uri: str, error: str, description: str, state: str | None):
        super().__init__(description)
        self.redirect_uri, self.error, self.description, self.state = redirect_uri, error, description, state


def check(args: Mapping[str, Sequence[str]], desk: Desk) -> AuthorizationRequest:
    """The request in `args` (every value of each name).

    Raises BadRequest for a client or redirect URI that cannot be trusted (shown as a page), and
    CallbackError for everything else.
    """
    one = {name: values[0] for name, values in args.items() if values}
    client, redirect_uri = _trusted(args, one, desk)
    state = one.get("state")

    def refuse(error: str, description: str) -> CallbackError:
        return CallbackError(redirect_uri, error, description, state)

    for name in _SINGLE:
        if len(args.get(name, ())) > 1:
            raise refuse("invalid_request", f"{name} is there more than once")
    if "response_type" not in one:
        raise refuse("invalid_request", "response_type is missing")
    if one["response_type"] != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    if not client.check_grant_type("authorization_code"):
        raise refuse("unauthorized_client", "This client may not use the authorization code grant")
    challenge = one.get("code_challenge")
    if problem := _pkce_problem(one, client):
        raise refuse("invalid_request", problem)
    if one.get("aud", one.get("resource", "")).removesuffix("/") != desk.fhir:
        raise refuse("invalid_request", f"aud must be the FHIR base {desk.fhir}")
    if "none" in one.get("prompt", "").split():
        raise refuse("login_required", "Nobody is signed in: this payer always asks")
    if asks_for_system(one.get("scope")):
        raise refuse("invalid_scope", "system scopes are not for members to grant")
    scope = narrow(one.get("scope"), desk.types())
    if not scope:
        raise refuse("invalid_scope", "No scope that this payer can grant was asked for")
    return AuthorizationRequest(
        client.client_id, redirect_uri, tuple(scope), state, challenge, one.get("nonce")
    )


def _trusted(args: Mapping[str, Sequence[str]], one: Mapping[str, str], desk: Desk) -> tuple[Client, str]:
    if len(args.get("client_id", ())) != 1:
        bad_request("client_id is missing, or there more than once", "client_id")
    client = desk.clients.get(one["client_id"])
    if client is None:
        bad_request("The client application is not known to this payer", "client_id")
    if len(args.get("redirect_uri", ())) != 1:
        bad_request("redirect_uri is missing, or there more than once", "redirect_uri")
    if not client.allows_redirect(one["redirect_uri"]):
        bad_request("This redirect_uri is not registered for the client", "redirect_uri")
    return client, one["redirect_uri"]


def _pkce_problem(one: Mapping[str, str], client: Client) -> str | None:
    challenge, method = one.get("code_challenge"), one.get("code_challenge_method")
    if challenge is None and method is None:
        return None if client.pkce_optional else "code_challenge is missing: PKCE with S256 is required"
    if challenge is None:
        return "code_challenge is missing"
    if method != "S256":
        return "code_challenge_method must be S256"
    if not _CHALLENGE.fullmatch(challenge):
        return "code_challenge is not 43 to 128 URL-safe characters"
    return None


def conclude(desk: Desk, request: AuthorizationRequest, decision: Decision) -> str:
    """The URL to send the browser to: a code, or the decision's error."""
    if decision.error:
        params = {"error": decision.error}
        if decision.description:
            params["error_description"] = decision.description
        return callback(decision.redirect_uri, params | dict(decision.params))
    now = desk.now()
    grant = Grant(
        new_secret(12),
        request.client_id,
        decision.username,
        decision.patient,
        " ".join(decision.scope),
        now,
        decision.refused,
        None,
    )
    code = new_secret()
    desk.ledger.add_grant(grant)
    desk.ledger.add_code(
        code,
        Code(
            grant.id,
            request.client_id,
            request.redirect_uri,
            request.challenge,
            request.nonce,
            now + desk.payer.code_seconds * 1000,
            None,
        ),
    )
    return callback(decision.redirect_uri, {"code": code} | dict(decision.params))


def reply_params(desk: Desk, state: str | None) -> dict[str, str]:
    """What every callback carries: the state byte for byte, and iss (RFC 9207)."""
    return ({"state": state} if state is not None else {}) | {"iss": desk.issuer}


def error_url(desk: Desk, error: CallbackError) -> str:
    """The callback URL that tells the app of an error."""
    told = {"error": error.error, "error_description": error.description}
    return callback(error.redirect_uri, told | reply_params(desk, error.state))


def callback(redirect_uri: str, params: Mapping[str, str]) -> str:
    """The redirect URI with parameters added; a query it already has is kept."""
    separator = "?" if "?" not in redirect_uri else "" if redirect_uri[-1] in "?&" else "&"
    return f"{redirect_uri}{separator}{urlencode(params)}"


__all__ = [
    "AuthorizationRequest",
    "BadRequest",
    "CallbackError",
    "Decision",
    "check",
    "conclude",
    "error_url",
]
