"""A token that somebody shows, as Authlib's revocation and introspection endpoints ask it."""

from __future__ import annotations

from collections.abc import Mapping

from authlib.oauth2.rfc6749 import InvalidRequestError

from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.tokens.access_token import living
from sandbox.store.ledger.repositories.grants import Grant, Token


class PresentedToken:
    """An access or refresh token of this payer, active or not."""

    def __init__(self, token: Token, grant: Grant | None, active: bool):
        self.token, self.grant, self.active = token, grant, active

    def check_client(self, client: Client) -> bool:
        return self.token.client == client.client_id


def present(desk: Desk, form: Mapping[str, str]) -> PresentedToken | None:
    """The token in a form; None for one that was never issued. `token_type_hint` is ignored, whatever it
    says: the digest finds either kind (RFC 7009 §2.1, RFC 7662 §2.1). Raises InvalidRequestError."""
    if "token" not in form:
        raise InvalidRequestError("token is missing")
    secret = form["token"]
    token = desk.ledger.token(secret)
    if token is None:
        return None
    return PresentedToken(token, desk.ledger.grant(token.grant), living(desk, secret) is not None)
