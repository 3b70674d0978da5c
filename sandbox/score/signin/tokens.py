"""The token endpoint, from the app's side: redeem a code, renew a token (RFC 6749 §4.1.3, §6).

Tokens live in memory only; nothing here writes them anywhere.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.core import files
from sandbox.score.evidence import Exchange
from sandbox.score.http.answers import HttpAnswer, word
from sandbox.score.http.client import HttpClient
from sandbox.score.signin import client_auth


@dataclass(frozen=True)
class Endpoints:
    """Where to sign in, and who said so: smart-configuration, metadata or instruments."""

    authorization: str
    token: str
    scopes_supported: tuple[str, ...] = ()
    said_by: str = "smart-configuration"
    auth_methods: tuple[str, ...] = ()
    """How the token endpoint lets apps authenticate, as it says; empty when it does not."""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClientApp:
    """The grader as the payer knows it. Without a secret or a key it is a public client.

    `key` is a private JWK; `auth_method` is how it authenticates, whatever the payer says of itself.
    """

    client_id: str
    redirect_uri: str
    client_secret: str | None = field(default=None, repr=False)
    key: dict[str, Any] | None = field(default=None, repr=False)
    auth_method: str = ""


@dataclass(frozen=True)
class TokenReply:
    """What the token endpoint said. `body` is empty unless it was a JSON object."""

    answer: HttpAnswer
    body: dict[str, Any] = field(repr=False)

    @property
    def works(self) -> bool:
        """200 with an access token (RFC 6749 §5.1)."""
        return self.answer.status == 200 and bool(self.text("access_token"))

    def text(self, name: str) -> str:
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def why(self) -> str:
        """Why it does not work, in one line without member data."""
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
    """A backend service's token (SMART App Launch 2.2, Backend Services). `when` is the time that the
    assertion is made at, where the payer lives at another than we do."""
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


@dataclass(frozen=True)
class Fixed:
    """A token that stays as it is (client.Credential)."""

    token: str = field(repr=False)

    def renew(self) -> bool:
        return False


class Bearer:
    """An access token that renews itself while it holds a refresh token (client.Credential)."""

    def __init__(
        self,
        token: str,
        refresh_token: str = "",
        *,
        http: HttpClient | None = None,
        endpoints: Endpoints | None = None,
        app: ClientApp | None = None,
    ):
        self._token, self.refresh_token = token, refresh_token
        self._http, self._endpoints, self._app = http, endpoints, app
        self.exchanges: list[Exchange] = []

    @property
    def token(self) -> str:
        return self._token

    def renew(self) -> bool:
        """A new access token; RFC 6749 §6: without a new refresh token the old one stays good."""
        if not (self.refresh_token and self._http and self._endpoints and self._app):
            return False
        reply = refresh(self._http, self._endpoints, self._app, self.refresh_token)
        self.exchanges.append(reply.answer.exchange)
        if not reply.works:
            return False
        self._token = reply.text("access_token")
        self.refresh_token = reply.text("refresh_token") or self.refresh_token
        return True


def claims_of(token: Any) -> dict[str, Any]:
    """What a JWT says; empty for anything else."""
    try:
        payload = word(token).split(".")[1]
        value = files.json_value(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
