"""Introspection (RFC 7662) and revocation (RFC 7009) of a token, by the client that it was issued to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.errors import invalid_client, invalid_request
from sandbox.auth.scopes import launches_patient, split
from sandbox.auth.tokens.access_token import living
from sandbox.auth.tokens.id_token import subject, user
from sandbox.store.ledger.repositories.grants import Grant, Token


def find_token(desk: Desk, form: Mapping[str, str], client: Client) -> Token | None:
    """Return the token in a form; None for one that is unknown or another client's: both are answered
    alike. `token_type_hint` is ignored: the digest finds either kind (RFC 7009 §2.1, RFC 7662 §2.1).

    Raises OAuthRefusal.
    """
    if "token" not in form:
        raise invalid_request("token is missing.")
    token = desk.ledger.token(form["token"])
    return token if token and token.client == client.client_id else None


def find_holder(desk: Desk, authorization: str) -> Client | None:
    """Return the client of a valid access token, who may introspect; None for another way to authenticate
    (SMART App Launch 2.2.0 "Token introspection").

    Raises OAuthRefusal.
    """
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    pair = living(desk, secret.strip(), "access")
    client = desk.clients.get(pair[0].client) if pair else None
    if client is None:
        raise invalid_client("The bearer token is expired, revoked or unknown.")
    return client


def introspect(desk: Desk, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """Return what a token is good for; `{"active": false}` for every token that is good for nothing.

    Raises OAuthRefusal.
    """
    token = find_token(desk, form, client)
    pair = living(desk, form["token"]) if token else None
    return _describe(desk, *pair) if pair else {"active": False}


def _describe(desk: Desk, token: Token, grant: Grant) -> dict[str, Any]:
    """Return scope, client, times and launch context; who signed in, as far as the id_token says it."""
    granted = set(split(grant.scope))
    claims: dict[str, Any] = {
        "active": True,
        "scope": token.scope,
        "client_id": token.client,
        "token_type": "Bearer" if token.kind == "access" else "refresh_token",
        "iat": token.issued // 1000,
        "exp": token.expires // 1000,
        "iss": desk.issuer,
    }
    if grant.username and "openid" in granted:
        claims["sub"] = subject(desk, grant.username)
    if grant.patient and launches_patient(token.scope):
        claims["patient"] = grant.patient
    if {"openid", "fhirUser"} <= granted:
        claims["fhirUser"] = user(desk, grant)
    return claims


def revoke(desk: Desk, token: Token) -> None:
    """Revoke a token. Revoking a refresh token ends the grant, with its access tokens."""
    if token.kind == "refresh":
        desk.ledger.revoke_grant(token.grant, desk.now())
    else:
        desk.ledger.revoke_token(token.hash, desk.now())
