"""A token that somebody shows, as Authlib's revocation and introspection endpoints ask it."""

from __future__ import annotations

from sandbox.auth.clients import Client
from sandbox.auth.desk import Desk
from sandbox.auth.tokens import living
from sandbox.store.tenant.grant import Grant, Token


class PresentedToken:
    """An access or refresh token of this payer, active or not."""

    def __init__(self, token: Token, grant: Grant | None, active: bool):
        self.token, self.grant, self.active = token, grant, active

    def check_client(self, client: Client) -> bool:
        return self.token.client == client.client_id


def present(desk: Desk, secret: str) -> PresentedToken | None:
    """The token of that text; None for one that was never issued."""
    token = desk.ledger.token(secret)
    if token is None:
        return None
    return PresentedToken(token, desk.ledger.grant(token.grant), living(desk, secret) is not None)
