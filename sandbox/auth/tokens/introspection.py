"""Introspection: what a token is good for, told to its own client (RFC 7662, SMART-050)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as _Introspection

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.grants.authorization_code import METHODS
from sandbox.auth.scopes import launches_patient, split
from sandbox.auth.tokens.access_token import living
from sandbox.auth.tokens.id_token import subject, user
from sandbox.auth.tokens.presented_token import PresentedToken, present


class Introspection(_Introspection):
    """Unknown, ended and other clients' tokens are answered alike: `{"active": false}`."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: Any, client: Client) -> PresentedToken | None:
        found = present(request.desk, request.form)
        return found if found and found.active and found.check_client(client) else None

    def authenticate_endpoint_client(self, request: Any) -> Client:
        """A client, or whoever holds a good access token (SMART: introspect also accepts a bearer)."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        desk: Desk = request.desk
        if scheme.lower() == "bearer":
            held = living(desk, secret.strip(), "access")
            holder = desk.clients.get(held[0].client) if held else None
            if holder is None:
                raise InvalidClientError(description="The bearer token is expired, revoked or unknown")
            return holder
        client: Client = super().authenticate_endpoint_client(request)
        return client

    def create_endpoint_response(self, request: Any) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.authenticate_endpoint_client(request)
        presented = self.authenticate_token(request, client)
        body = describe(request.desk, presented) if presented else {"active": False}
        return 200, body, list(AuthorizationCodeGrant.TOKEN_RESPONSE_HEADER)


def describe(desk: Desk, presented: PresentedToken) -> dict[str, Any]:
    """An active token: scope, client and times; the launch context; who signed in, as far as the
    id_token told it."""
    token, grant = presented.token, presented.grant
    assert grant is not None  # a token without its grant is not active
    granted = set(split(grant.scope))
    told: dict[str, Any] = {
        "active": True,
        "scope": token.scope,
        "client_id": token.client,
        "token_type": "Bearer" if token.kind == "access" else "refresh_token",
        "iat": token.issued // 1000,
        "exp": token.expires // 1000,
        "iss": desk.issuer,
    }
    if grant.username and "openid" in granted:
        told["sub"] = subject(desk, grant.username)
    if grant.patient and launches_patient(token.scope):
        told["patient"] = grant.patient
    if {"openid", "fhirUser"} <= granted:
        told["fhirUser"] = user(desk, grant)
    return told
