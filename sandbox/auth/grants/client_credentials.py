"""The client_credentials grant: backend services, which act for no member.

Source: SMART App Launch 2.2.0 "Backend Services": a client that authenticates by key, system scopes
it is registered for, a short token, no refresh token.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as _ClientCredentials

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.scopes import excess, narrow_system
from sandbox.auth.tokens.access_token import mint
from sandbox.store.ledger.repositories.grants import Grant
from sandbox.store.secret import new_secret


class ClientCredentials(_ClientCredentials):
    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]  # noqa: RUF012  as Authlib declares it

    def validate_token_request(self) -> None:
        client: Client = self.authenticate_token_endpoint_client()
        if client.auth_method != "private_key_jwt" or not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client may not use the client_credentials grant")
        self.request.client = client
        desk: Desk = self.request.desk
        if problem := excess(self.request.payload.scope):
            raise InvalidScopeError(problem)
        self.scope = " ".join(narrow_system(self.request.payload.scope, client.scope, desk.types()))
        if not self.scope:
            raise InvalidScopeError("None of the system scopes asked for is registered for this client")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Scopes beyond the registered ones are left out; the answer says which were granted."""
        desk: Desk = self.request.desk
        client: Client = self.request.client
        grant = Grant(new_secret(12), client.client_id, "", "", self.scope, desk.now(), None, None)
        desk.ledger.add_grant(grant)
        token = mint(desk, grant, self.scope, self.GRANT_TYPE, refresh=False)
        return 200, token, list(self.TOKEN_RESPONSE_HEADER)
