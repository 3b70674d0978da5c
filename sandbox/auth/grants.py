"""Grants of the token endpoint: authorization_code, refresh_token and client_credentials.

Sources: RFC 6749 §4.1.3, §4.1.2 (a code works once) and §6, RFC 9700 §4.14.2, SMART App Launch 2.2.0
"Refresh access token" and "Backend Services".

| rotation | a refresh token that was used already |
|---|---|
| none | still works: the answer holds no new one |
| rotate | is refused |
| rotate-with-grace | answers again within `refresh_grace_seconds`; after that, ends the family |
| reuse-revokes-family | ends the family: every token of the grant |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import OAuthRefusal, invalid_grant
from sandbox.auth.household import find_lost_eligibility
from sandbox.auth.scopes import excess, narrow_system, split, subset
from sandbox.auth.tokens.access_token import Late, find_live_grant, mint
from sandbox.auth.tokens.id_token import id_token
from sandbox.store.ledger.repositories.grants import Code, Grant, Token
from sandbox.store.secret import new_secret


@dataclass(frozen=True)
class PresentedCode:
    """An authorization code that a client redeems, with the secret that it presented."""

    secret: str
    code: Code
    grant: Grant


@dataclass(frozen=True)
class PresentedRefresh:
    """A refresh token that a client presents."""

    token: Token
    grant: Grant


# --- authorization_code -----------------------------------------------------------------------------


def find_code(context: AuthContext, secret: str, client: Client, redirect_uri: str | None) -> PresentedCode:
    """Return the code that this client may redeem. A code that comes back revokes what came of it.

    Raises OAuthRefusal.
    """
    code = context.ledger.code(secret)
    if code is None or code.client != client.client_id:
        raise invalid_grant("The authorization code is unknown, or was issued to another client.")
    grant = context.ledger.grant(code.grant)
    if code.spent is not None and context.payer.code_once:
        context.ledger.revoke_grant(code.grant, context.now())
        raise _code_reused()
    if grant is None or grant.revoked or code.expires <= context.now():
        raise invalid_grant("The authorization code has expired.", cause="code-expired")
    _check_eligibility(context, grant)
    if redirect_uri != code.redirect_uri:
        text = "redirect_uri differs from the one in the authorization request. Send the same one."
        raise invalid_grant(text, cause="code-redirect-uri-wrong")
    return PresentedCode(secret, code, grant)


def redeem(context: AuthContext, presented: PresentedCode, scope: str, *, refresh: bool) -> dict[str, Any]:
    """Spend a code and return its token response, in one transaction. Raises OAuthRefusal."""

    def exchange(tokens: Sequence[Token]) -> bool:
        if context.ledger.spend_code(presented.secret, context.now(), tokens):
            return True
        if not context.payer.code_once:
            context.ledger.add_token(*tokens)
        return not context.payer.code_once

    grant = presented.grant
    signed = id_token(context, grant, presented.code.nonce) if "openid" in split(scope) else None
    try:
        response = mint(context, grant, scope, "authorization_code", refresh=refresh, exchange=exchange)
    except Late:
        context.ledger.revoke_grant(presented.code.grant, context.now())
        raise _code_reused() from None
    return response if signed is None else {**response, "id_token": signed}


def _code_reused() -> OAuthRefusal:
    text = "The authorization code was already used. Its tokens have been revoked."
    return invalid_grant(text, cause="code-reused")


def _check_eligibility(context: AuthContext, grant: Grant) -> None:
    """Raise OAuthRefusal where the member may not connect any more. Nothing is spent by it."""
    if why := find_lost_eligibility(context, grant):
        raise invalid_grant(f"{why}.", cause="eligibility-lost")


# --- refresh_token ----------------------------------------------------------------------------------


def find_refresh_token(context: AuthContext, secret: str, client: Client) -> PresentedRefresh:
    """Return the refresh token that this client may use. Raises OAuthRefusal."""
    token = context.ledger.token(secret, "refresh")
    if token is None or token.client != client.client_id:
        raise invalid_grant("The refresh token is unknown, or was issued to another client.")
    if token.replaced and not _is_in_grace(context, token):
        _end_family(context, token)
        raise _refresh_reused()
    grant = find_live_grant(context, token)
    if grant is None:
        raise invalid_grant("The refresh token has expired or was revoked.")
    _check_eligibility(context, grant)
    return PresentedRefresh(token, grant)


def check_refresh_scope(scope: str | None, grant: Grant) -> None:
    """Raise OAuthRefusal for a scope beyond what was granted: a refresh may ask for less, never for more."""
    problem = excess(scope)
    if not problem and scope and not subset(scope, grant.scope):
        problem = "scope asks for more than was granted"
    if problem:
        text = f"{problem}. Leave scope out to get what was granted."
        raise OAuthRefusal("invalid_scope", text, cause="refresh-scope-exceeded")


def refresh(
    context: AuthContext, secret: str, presented: PresentedRefresh, scope: str | None
) -> dict[str, Any]:
    """Return the token response for a refresh token, which one of several callers replaces.

    Raises OAuthRefusal.
    """
    grant = presented.grant
    text = " ".join(split(scope)) or grant.scope
    rotates = context.payer.refresh_rotation != "none"

    def exchange(tokens: Sequence[Token]) -> bool:
        if rotates and not presented.token.replaced:
            return context.ledger.replace_token(presented.token.hash, context.now(), tokens)
        context.ledger.add_token(*tokens)
        return True

    # Without the nonce: that was for the sign-in (OpenID Connect Core §12.2).
    signed = id_token(context, grant, None) if "openid" in split(text) else None
    try:
        response = mint(context, grant, text, "refresh_token", refresh=rotates, exchange=exchange)
    except Late:  # another caller was faster: it replaced the token, or revoked it
        current = context.ledger.token(secret, "refresh") or presented.token
        if not (_is_in_grace(context, current) and find_live_grant(context, current)):
            _end_family(context, presented.token)
            raise _refresh_reused() from None
        response = mint(context, grant, text, "refresh_token", refresh=rotates)
    return response if signed is None else {**response, "id_token": signed}


def _is_in_grace(context: AuthContext, token: Token) -> bool:
    """Whether a replaced token still works: the app may not have received its replacement."""
    policy = context.payer
    grace = policy.refresh_grace_seconds * 1000 if policy.refresh_rotation == "rotate-with-grace" else 0
    return token.replaced is not None and context.now() < token.replaced + grace


def _end_family(context: AuthContext, token: Token) -> None:
    if context.payer.refresh_rotation in ("rotate-with-grace", "reuse-revokes-family"):
        context.ledger.revoke_grant(token.grant, context.now())


def _refresh_reused() -> OAuthRefusal:
    text = "The refresh token was already used. Use the one from the latest token response."
    return invalid_grant(text, cause="refresh-token-reused")


# --- client_credentials -----------------------------------------------------------------------------


def grant_system_scopes(context: AuthContext, client: Client, scope: str | None) -> str:
    """Return what of `scope` a backend service is granted. Raises OAuthRefusal."""
    if client.auth_method != "private_key_jwt" or not client.check_grant_type("client_credentials"):
        text = "This client is not registered for the client_credentials grant."
        raise OAuthRefusal("unauthorized_client", text, cause="grant-type-unsupported")
    if problem := excess(scope):
        raise OAuthRefusal("invalid_scope", f"{problem}.", cause="system-scope-unregistered")
    granted = " ".join(narrow_system(scope, client.scope, context.types()))
    if not granted:
        text = "scope has no system scope that this client is registered for."
        raise OAuthRefusal("invalid_scope", text, cause="system-scope-unregistered")
    return granted


def issue_system_token(context: AuthContext, client: Client, scope: str) -> dict[str, Any]:
    """Return the token response of a backend service: a short access token, and no refresh token."""
    grant = Grant(new_secret(12), client.client_id, "", "", scope, context.now(), None, None)
    context.ledger.add_grant(grant)
    return mint(context, grant, scope, "client_credentials", refresh=False)
