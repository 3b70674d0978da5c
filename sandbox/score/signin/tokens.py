"""The token endpoint as an app uses it: redeem a code, renew a token (RFC 6749 §4.1.3, §6).

Tokens live in memory only; nothing here writes them anywhere.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.core import files
from sandbox.score.evidence import Exchange
from sandbox.score.http.answers import HttpAnswer, word
from sandbox.score.http.client import HttpClient
from sandbox.score.signin import client_auth
from sandbox.score.signin.scopes import Scopes


@dataclass(frozen=True)
class Endpoints:
    """Where to sign in. `said_by` is the source: smart-configuration, metadata or instruments."""

    authorization: str
    token: str
    scopes_supported: tuple[str, ...] = ()
    said_by: str = "smart-configuration"
    auth_methods: tuple[str, ...] = ()
    """The listed methods of client authentication; empty when none are listed."""
    capabilities: tuple[str, ...] = ()

    def scopes(self, requested: str = "") -> Scopes:
        """Return the scopes to request: the given ones, else what the payer lists."""
        return Scopes(self.scopes_supported, self.capabilities, requested)


@dataclass(frozen=True)
class ClientApp:
    """The grader's client registration. Without a secret or a key it is a public client.

    `key` is a private JWK; `auth_method` overrides what the payer lists.
    """

    client_id: str
    redirect_uri: str
    client_secret: str | None = field(default=None, repr=False)
    key: dict[str, Any] | None = field(default=None, repr=False)
    auth_method: str = ""


@dataclass(frozen=True)
class TokenReply:
    """An answer of the token endpoint. `body` is empty unless it was a JSON object."""

    answer: HttpAnswer
    body: dict[str, Any] = field(repr=False)

    @property
    def works(self) -> bool:
        """Whether it is a 200 with an access token (RFC 6749 §5.1)."""
        return self.answer.status == 200 and bool(self.text("access_token"))

    def text(self, name: str) -> str:
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def why(self) -> str:
        """Return why it does not work, in one line without member data."""
        if self.text("error"):
            return f"the token endpoint answered {self.answer.status} {self.text('error')}"
        if self.answer.status == 200:
            return "the token endpoint answered 200 without an access_token"
        note = self.answer.exchange.note
        return f"the token endpoint answered {self.answer.status}" if self.answer.status else note


def redeem(http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str) -> TokenReply:
    """Exchange an authorization code; `verifier` is the PKCE secret (RFC 7636 §4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": verifier,
    }
    return _post(http, endpoints, app, form)


def refresh(http: HttpClient, endpoints: Endpoints, app: ClientApp, refresh_token: str) -> TokenReply:
    """Exchange a refresh token for a new access token, and perhaps a new refresh token."""
    return _post(http, endpoints, app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def client_credentials(
    http: HttpClient, endpoints: Endpoints, app: ClientApp, scope: str, when: datetime | None = None
) -> TokenReply:
    """Get a token for a backend service (SMART App Launch 2.2, Backend Services).

    `when` is the time of the assertion, for a payer whose clock differs from ours.
    """
    return _post(http, endpoints, app, {"grant_type": "client_credentials", "scope": scope}, when)


def _post(
    http: HttpClient, endpoints: Endpoints, app: ClientApp, form: dict[str, str], when: datetime | None = None
) -> TokenReply:
    proof = client_auth.prove(app, endpoints, when or http.now())
    http.secrets |= proof.secrets
    headers = {"Accept": "application/json", **proof.headers}
    answer = http.send(
        "POST", endpoints.token, step="token", reach="page", headers=headers, form={**form, **proof.form}
    )
    reply = TokenReply(answer, answer.json())
    http.secrets |= {reply.text(name) for name in ("access_token", "refresh_token", "id_token")}
    return reply


class Bearer:
    """An access token that renews itself while it holds a refresh token (client.Credential).

    `refresh` exchanges a refresh token; without it the access token stays as it is.
    """

    def __init__(
        self, token: str, refresh_token: str = "", refresh: Callable[[str], TokenReply] | None = None
    ) -> None:
        self.token, self.refresh_token, self._refresh = token, refresh_token, refresh
        self.exchanges: list[Exchange] = []

    def renew(self) -> bool:
        """Get a new access token. Without a new refresh token the old one stays valid (RFC 6749 §6)."""
        if not (self.refresh_token and self._refresh):
            return False
        reply = self._refresh(self.refresh_token)
        self.exchanges.append(reply.answer.exchange)
        if not reply.works:
            return False
        self.token = reply.text("access_token")
        self.refresh_token = reply.text("refresh_token") or self.refresh_token
        return True


def claims_of(token: Any) -> dict[str, Any]:
    """Return the claims of a JWT; empty for anything else."""
    try:
        payload = word(token).split(".")[1]
        value = files.json_value(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
