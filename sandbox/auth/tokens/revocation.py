"""Revocation by an app (RFC 7009, SMART-060)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint as _Revocation

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.grants.authorization_code import METHODS
from sandbox.auth.tokens.presented_token import PresentedToken, present


class Revocation(_Revocation):
    """Revoking a refresh token ends the grant, its access tokens included."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: Any, client: Client) -> PresentedToken | None:
        found = present(request.desk, request.form)
        # Another client's token is answered like an unknown one: nothing happens, nothing is told.
        return found if found and found.check_client(client) else None

    def revoke_token(self, presented: PresentedToken, request: Any) -> None:
        desk: Desk = request.desk
        if presented.token.kind == "refresh":
            desk.ledger.revoke_grant(presented.token.grant, desk.now())
        else:
            desk.ledger.revoke_token(presented.token.hash, desk.now())
