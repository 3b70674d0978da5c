"""Introspection (RFC 7662) and revocation (RFC 7009) of a token, by the client that it was issued to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import invalid_client, invalid_request
from sandbox.auth.scopes import launches_patient, split
from sandbox.auth.tokens.access_token import find_valid_token
from sandbox.auth.tokens.id_token import subject, user
from sandbox.store.ledger.repositories.grants import Grant, Token


def find_holder(context: AuthContext, authorization: str) -> Client | None:
    """Return the client of a valid access token, who may introspect; None for another way to authenticate
    (SMART App Launch 2.2.0 "Token introspection").

    Raises OAuthRefusal.
    """
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    pair = find_valid_token(context, secret.strip(), "access")
    client = context.clients.get(pair[0].client) if pair else None
    if client is None:
        raise invalid_client("The bearer token is expired, revoked or unknown.")
    return client


def introspect(context: AuthContext, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """Return what a token is good for; `{"active": false}` for every token that is good for nothing.

    Raises OAuthRefusal.
    """
    token = _find_token(context, form, client)
    pair = find_valid_token(context, form["token"]) if token else None
    return _describe(context, *pair) if pair else {"active": False}


def revoke(context: AuthContext, form: Mapping[str, str], client: Client) -> None:
    """Revoke the token in a form. A refresh token ends the grant, with its access tokens.

    Raises OAuthRefusal.
    """
    token = _find_token(context, form, client)
    if token and token.kind == "refresh":
        context.ledger.revoke_grant(token.grant, context.now())
    elif token:
        context.ledger.revoke_token(token.hash, context.now())


def _find_token(context: AuthContext, form: Mapping[str, str], client: Client) -> Token | None:
    """Return the token in a form; None for one that is unknown or another client's: both are answered
    alike. `token_type_hint` is ignored: the digest finds either kind (RFC 7009 §2.1, RFC 7662 §2.1)."""
    if "token" not in form:
        raise invalid_request("token is missing.")
    token = context.ledger.token(form["token"])
    return token if token and token.client == client.client_id else None


def _describe(context: AuthContext, token: Token, grant: Grant) -> dict[str, Any]:
    """Return scope, client, times and launch context; who signed in, as far as the id_token says it."""
    granted = set(split(grant.scope))
    claims: dict[str, Any] = {
        "active": True,
        "scope": token.scope,
        "client_id": token.client,
        "token_type": "Bearer" if token.kind == "access" else "refresh_token",
        "iat": token.issued // 1000,
        "exp": token.expires // 1000,
        "iss": context.issuer,
    }
    if grant.username and "openid" in granted:
        claims["sub"] = subject(context, grant.username)
    if grant.patient and launches_patient(token.scope):
        claims["patient"] = grant.patient
    if {"openid", "fhirUser"} <= granted:
        claims["fhirUser"] = user(context, grant)
    return claims
