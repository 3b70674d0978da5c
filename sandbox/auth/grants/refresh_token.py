"""The refresh_token grant: rotation as the payer has it, scopes never more than were granted.

Sources: RFC 6749 §6, RFC 9700 §4.14.2, SMART App Launch 2.2.0 "Refresh access token".

| rotation | a refresh token that was used already |
|---|---|
| none | still works: the answer holds no new one |
| rotate | is refused |
| rotate-with-grace | answers again within `refresh_grace_seconds`; after that, ends the family |
| reuse-revokes-family | ends the family: every token of the grant |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as _RefreshGrant

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.grants.authorization_code import METHODS
from sandbox.auth.household import loss
from sandbox.auth.scopes import excess, split, subset
from sandbox.auth.tokens.access_token import Late, mint, standing
from sandbox.auth.tokens.id_token import id_token
from sandbox.store.ledger.repositories.grants import Grant, Token


class PresentedRefresh:
    """A refresh token as Authlib wants to ask it."""

    def __init__(self, token: Token, grant: Grant):
        self.token, self.grant = token, grant

    def check_client(self, client: Client) -> bool:
        return self.token.client == client.client_id

    def get_scope(self) -> str:
        return self.grant.scope


class RefreshToken(_RefreshGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, secret: str) -> PresentedRefresh | None:
        desk: Desk = self.request.desk
        token = desk.ledger.token(secret, "refresh")
        if token is None or token.client != self.request.client.client_id:
            return None
        if token.replaced and not _in_grace(desk, token):
            _reused(desk, token)
            raise InvalidGrantError("The refresh token was already used")
        grant = standing(desk, token)
        if grant is None:
            return None
        if why := loss(desk, grant):  # the token is not spent: who may connect again goes on
            raise InvalidGrantError(why)
        return PresentedRefresh(token, grant)

    def _validate_token_scope(self, token: PresentedRefresh) -> None:
        asked = self.request.payload.scope
        if problem := excess(asked):
            raise InvalidScopeError(problem)
        if asked and not subset(asked, token.get_scope()):
            raise InvalidScopeError()

    def authenticate_user(self, presented: PresentedRefresh) -> Grant:
        return presented.grant

    def issue_token(self, user: Grant, presented: PresentedRefresh) -> dict[str, Any]:
        """Called after every check: a rotating token is replaced here, by one winner, together with the
        tokens that replace it."""
        desk: Desk = self.request.desk
        scope = " ".join(split(self.request.payload.scope)) or presented.get_scope()
        rotates = desk.payer.refresh_rotation != "none"

        def exchange(tokens: Sequence[Token]) -> bool:
            if rotates and not presented.token.replaced:
                return desk.ledger.replace_token(presented.token.hash, desk.now(), tokens)
            desk.ledger.add_token(*tokens)
            return True

        # Without the nonce: that was for the sign-in (OpenID Connect Core §12.2).
        signed = id_token(desk, user, None) if "openid" in split(scope) else None
        try:
            token = mint(desk, user, scope, self.GRANT_TYPE, refresh=rotates, exchange=exchange)
        except Late:  # somebody was faster: replaced it, or revoked it
            current = desk.ledger.token(self.request.form["refresh_token"], "refresh") or presented.token
            if not (_in_grace(desk, current) and standing(desk, current)):
                _reused(desk, presented.token)
                raise InvalidGrantError("The refresh token was already used") from None
            token = mint(desk, user, scope, self.GRANT_TYPE, refresh=rotates)
        return token if signed is None else {**token, "id_token": signed}

    def save_token(self, token: dict[str, Any]) -> None:
        """`mint` has written it."""

    def revoke_old_credential(self, presented: PresentedRefresh) -> None:
        """Done in `issue_token`, in one transaction."""


def _in_grace(desk: Desk, token: Token) -> bool:
    """Whether a replaced token still answers: the app may not have received what replaced it."""
    policy = desk.payer
    grace = policy.refresh_grace_seconds * 1000 if policy.refresh_rotation == "rotate-with-grace" else 0
    return token.replaced is not None and desk.now() < token.replaced + grace


def _reused(desk: Desk, token: Token) -> None:
    if desk.payer.refresh_rotation in ("rotate-with-grace", "reuse-revokes-family"):
        desk.ledger.revoke_grant(token.grant, desk.now())
