"""Authlib's token grants and endpoints over our ledger. One class per grant type or endpoint.

Each finds its desk on the request (`request.desk`): nothing here is global.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as _CodeGrant
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as _RefreshGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint as _Revocation
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as _Introspection

from sandbox.auth.clients import Client
from sandbox.auth.desk import Desk
from sandbox.auth.identity import id_token, subject, user
from sandbox.auth.scopes import launches_patient, split, subset
from sandbox.auth.tokens import living, mint
from sandbox.store.ledger import Code, Grant, Token

METHODS = ["client_secret_basic", "none"]


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
        if code.spent is not None:
            desk.ledger.revoke_grant(code.grant, desk.now())
            raise InvalidGrantError("The authorization code was already used")
        if grant is None or grant.revoked or code.expires <= desk.now():
            raise InvalidGrantError("The authorization code has expired")
        return PresentedCode(secret, code, grant)

    def authenticate_user(self, presented: PresentedCode) -> Grant:
        """Called after every check, right before the token: here the code is spent."""
        desk: Desk = self.request.desk
        if not desk.ledger.spend_code(presented.secret, desk.now()):
            desk.ledger.revoke_grant(presented.code.grant, desk.now())
            raise InvalidGrantError("The authorization code was already used")
        return presented.grant

    def generate_token(
        self, user: Grant, scope: str, include_refresh_token: bool = True, **_: Any
    ) -> dict[str, Any]:
        desk: Desk = self.request.desk
        token = mint(desk, user, scope, self.GRANT_TYPE, refresh=include_refresh_token)
        if "openid" in split(scope):
            token["id_token"] = id_token(desk, user, self.request.authorization_code.code.nonce)
        return token

    def save_token(self, token: dict[str, Any]) -> None:
        """`mint` has written it."""

    def delete_authorization_code(self, presented: PresentedCode) -> None:
        """Kept: a spent code that comes back must be recognised."""


class Challenge(CodeChallenge):
    """RFC 7636, S256 only. Whether a client may leave PKCE out was decided at /authorize."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def __init__(self) -> None:
        super().__init__(required=False)


class PresentedRefresh:
    """A refresh token as Authlib wants to ask it."""

    def __init__(self, token: Token, grant: Grant):
        self.token, self.grant = token, grant

    def check_client(self, client: Client) -> bool:
        return self.token.client == client.client_id

    def get_scope(self) -> str:
        return self.grant.scope


class RefreshToken(_RefreshGrant):
    """RFC 6749 §6, with rotation as the payer has it (RFC 9700 §4.14.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, secret: str) -> PresentedRefresh | None:
        desk: Desk = self.request.desk
        token = desk.ledger.token(secret, "refresh")
        if token is None or token.client != self.request.client.client_id:
            return None
        if token.replaced and desk.payer.refresh_rotation == "reuse-revokes-family":
            desk.ledger.revoke_grant(token.grant, desk.now())
        found = living(desk, secret, "refresh")
        return PresentedRefresh(*found) if found else None

    def _validate_token_scope(self, token: PresentedRefresh) -> None:
        asked = self.request.payload.scope
        if asked and not subset(asked, token.get_scope()):
            raise InvalidScopeError()

    def authenticate_user(self, presented: PresentedRefresh) -> Grant:
        """Right before the token: a rotating token is replaced here, by one winner."""
        desk: Desk = self.request.desk
        rotation = desk.payer.refresh_rotation
        if rotation != "none" and not desk.ledger.replace_token(presented.token.hash, desk.now()):
            if rotation == "reuse-revokes-family":
                desk.ledger.revoke_grant(presented.token.grant, desk.now())
            raise InvalidGrantError("The refresh token was already used")
        return presented.grant

    def issue_token(self, user: Grant, presented: PresentedRefresh) -> dict[str, Any]:
        desk: Desk = self.request.desk
        scope = " ".join(split(self.request.payload.scope)) or presented.get_scope()
        return mint(desk, user, scope, self.GRANT_TYPE, refresh=desk.payer.refresh_rotation != "none")

    def save_token(self, token: dict[str, Any]) -> None:
        """`mint` has written it."""

    def revoke_old_credential(self, presented: PresentedRefresh) -> None:
        """Done in `authenticate_user`, atomically."""


class PresentedToken:
    """Any token of this payer, for revocation and introspection."""

    def __init__(self, token: Token, grant: Grant | None, active: bool):
        self.token, self.grant, self.active = token, grant, active

    def check_client(self, client: Client) -> bool:
        return self.token.client == client.client_id


def _present(desk: Desk, secret: str) -> PresentedToken | None:
    token = desk.ledger.token(secret)
    if token is None:
        return None
    return PresentedToken(token, desk.ledger.grant(token.grant), living(desk, secret) is not None)


class Revocation(_Revocation):
    """RFC 7009. Revoking a refresh token ends the grant, its access tokens included."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: Any, client: Client) -> PresentedToken | None:
        self.check_params(request, client)
        found = _present(request.desk, request.form["token"])
        # Another client's token is answered like an unknown one: nothing happens, nothing is told.
        return found if found and found.check_client(client) else None

    def revoke_token(self, presented: PresentedToken, request: Any) -> None:
        desk: Desk = request.desk
        if presented.token.kind == "refresh":
            desk.ledger.revoke_grant(presented.token.grant, desk.now())
        else:
            desk.ledger.revoke_token(presented.token.hash, desk.now())


class Introspection(_Introspection):
    """RFC 7662 and SMART "Token Introspection": active, scope, client_id, exp, launch context."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: Any, client: Client) -> PresentedToken | None:
        self.check_params(request, client)
        found = _present(request.desk, request.form["token"])
        return found if found and found.active and found.check_client(client) else None

    def authenticate_endpoint_client(self, request: Any) -> Client:
        """A client, or whoever holds a good access token (SMART: introspect also accepts a bearer)."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        desk: Desk = request.desk
        if scheme.lower() == "bearer" and (held := living(desk, secret.strip(), "access")):
            return desk.clients[held[0].client]
        client: Client = super().authenticate_endpoint_client(request)
        return client

    def create_endpoint_response(self, request: Any) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.authenticate_endpoint_client(request)
        presented = self.authenticate_token(request, client)
        body = self.describe(request.desk, presented) if presented else {"active": False}
        return 200, body, list(_CodeGrant.TOKEN_RESPONSE_HEADER)

    def describe(self, desk: Desk, presented: PresentedToken) -> dict[str, Any]:
        token, grant = presented.token, presented.grant
        assert grant is not None  # a token without its grant is not active
        return {
            "active": True,
            "scope": token.scope,
            "client_id": token.client,
            "token_type": "Bearer" if token.kind == "access" else "refresh_token",
            "iat": token.issued // 1000,
            "exp": token.expires // 1000,
            "iss": desk.issuer,
            "sub": subject(desk, grant),
            **({"patient": grant.patient} if launches_patient(token.scope) else {}),
            "fhirUser": user(desk, grant),
        }
