"""The authorization_code grant over our ledger, with PKCE. Authlib runs it; the desk is on the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as _CodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox.auth.clients.client import METHODS as CLIENT_METHODS
from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.household import loss
from sandbox.auth.scopes import split
from sandbox.auth.tokens.access_token import Late, mint
from sandbox.auth.tokens.id_token import id_token
from sandbox.store.ledger.repositories.grants import Code, Grant, Token

METHODS = list(CLIENT_METHODS)


class PresentedCode:
    """A code as Authlib wants to ask it, with the secret that was presented."""

    def __init__(self, secret: str, code: Code, grant: Grant):
        self.secret, self.code, self.grant = secret, code, grant
        self.code_challenge = code.challenge
        self.code_challenge_method = "S256" if code.challenge else None

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.grant.scope


class AuthorizationCode(_CodeGrant):
    """RFC 6749 §4.1.3. A code works once, for its client, within its minute; used twice, everything
    that came of it is revoked (§4.1.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, secret: str, client: Client) -> PresentedCode | None:
        desk: Desk = self.request.desk
        code = desk.ledger.code(secret)
        if code is None or code.client != client.client_id:
            return None
        grant = desk.ledger.grant(code.grant)
        if code.spent is not None and desk.payer.code_once:
            desk.ledger.revoke_grant(code.grant, desk.now())
            raise InvalidGrantError("The authorization code was already used")
        if grant is None or grant.revoked or code.expires <= desk.now():
            raise InvalidGrantError("The authorization code has expired")
        if why := loss(desk, grant):
            raise InvalidGrantError(why)
        return PresentedCode(secret, code, grant)

    def authenticate_user(self, presented: PresentedCode) -> Grant:
        return presented.grant

    def generate_token(
        self, user: Grant, scope: str, include_refresh_token: bool = True, **_: Any
    ) -> dict[str, Any]:
        """Called after every check: here the code is spent, together with what comes of it."""
        desk: Desk = self.request.desk
        presented: PresentedCode = self.request.authorization_code

        def exchange(tokens: Sequence[Token]) -> bool:
            if desk.ledger.spend_code(presented.secret, desk.now(), tokens):
                return True
            if not desk.payer.code_once:
                desk.ledger.add_token(*tokens)
            return not desk.payer.code_once

        signed = id_token(desk, user, presented.code.nonce) if "openid" in split(scope) else None
        refresh = include_refresh_token
        try:
            token = mint(desk, user, scope, self.GRANT_TYPE, refresh=refresh, exchange=exchange)
        except Late:
            desk.ledger.revoke_grant(presented.code.grant, desk.now())
            raise InvalidGrantError("The authorization code was already used") from None
        return token if signed is None else {**token, "id_token": signed}

    def save_token(self, token: dict[str, Any]) -> None:
        """`mint` has written it."""

    def delete_authorization_code(self, presented: PresentedCode) -> None:
        """Kept: a spent code that comes back must be recognised."""


class Challenge(CodeChallenge):
    """RFC 7636, S256 only. Whether a client may leave PKCE out was decided at /authorize."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def __init__(self) -> None:
        super().__init__(required=False)
