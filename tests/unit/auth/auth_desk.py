"""A desk on a ledger of its own and a clock that stands, and an app that signs in at it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from sandbox.auth.authlib_adapter import AuthorizationServer, TokenRequest
from sandbox.auth.authorization import authorize
from sandbox.auth.authorization.decision import Decision, issue
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext, AuthServices
from sandbox.auth.errors import OAuthRefusal
from sandbox.auth.tokens.access_token import access
from sandbox.core.clock import FrozenClock
from sandbox.core.errors import Unauthorized
from sandbox.core.gates import OPEN, Facts, Gates, Reply
from sandbox.core.members import Account, CoverageSpan
from sandbox.core.payer import PayerProfile
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.secret import digest

FHIR, ISSUER = "https://h.example/fhir", "https://h.example/auth"
CALLBACK = "http://localhost:3000/callback"
VERIFIER = "v" * 43
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
CLIENTS = {
    c.client_id: c
    for c in (
        Client("app", "App", (CALLBACK,)),
        Client("other", "Other", (CALLBACK,)),
        Client("web", "Web", (CALLBACK,), secret_sha256=digest("s3cret: +%ü")),
        Client("legacy", "Legacy", (CALLBACK,), pkce_optional=True),
        Client("codes-only", "Codes only", (CALLBACK,), grant_types=("authorization_code",)),
        Client("no-codes", "No codes", (CALLBACK,), grant_types=("refresh_token",)),
    )
}
MARIA = Account(
    "maria", "pw", "p1", "Maria", "eligible", date(1980, 1, 1), (CoverageSpan("qhp", date(2024, 1, 1), None),)
)
SERVER = AuthorizationServer()


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def basic(client: str, secret: str) -> dict[str, str]:
    """RFC 6749 §2.3.1: each part is form-encoded, then both are base64."""
    pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def desk(
    ledger: TenantLedger,
    clock: FrozenClock | None = None,
    payer: PayerProfile | None = None,
    key: str = "",
    gates: Gates = OPEN,
) -> AuthContext:
    clock = clock or FrozenClock(datetime(2025, 6, 15, 12, tzinfo=UTC))
    return AuthContext(
        services=AuthServices(clients=CLIENTS, accounts={"maria": MARIA}, signing_key=key),
        payer=payer or PayerProfile(),
        clock=clock,
        ledger=ledger,
        gates=gates,
        facts=Facts(),
        issuer=ISSUER,
        fhir=FHIR,
    )


def changed(context: AuthContext, **changes: Any) -> AuthContext:
    """The same context with other fields, of its own or of its services."""
    shared = {name: changes.pop(name) for name in list(changes) if hasattr(context.services, name)}
    return replace(context, services=replace(context.services, **shared), **changes)


def args(**changes: str | list[str] | None) -> dict[str, list[str]]:
    """A good authorization request, changed: None leaves a parameter out, a list repeats it."""
    good: dict[str, Any] = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "st",
        "aud": FHIR,
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    }
    asked = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return {name: value if isinstance(value, list) else [value] for name, value in asked.items()}


@dataclass
class App:
    """An app at a desk: signs in, exchanges, refreshes; every answer is (status, JSON)."""

    desk: AuthContext
    client: str = "app"
    headers: Mapping[str, str] = field(default_factory=dict)

    def advance(self, **by: float) -> None:
        clock = self.desk.clock
        assert isinstance(clock, FrozenClock)
        clock.advance(timedelta(**by))

    def under(self, payer: PayerProfile) -> App:
        """The same app at the same ledger of a payer with another character."""
        return replace(self, desk=replace(self.desk, payer=payer))

    def code(self, **changes: str | None) -> str:
        asked = authorize.check(args(client_id=self.client, **changes), self.desk)
        decision = Decision("maria", "p1", asked.scope, asked.redirect_uri)
        url = issue(self.desk, asked, decision).url
        return parse_qs(urlsplit(url).query)["code"][0]

    def reply(self, form: Mapping[str, Any], endpoint: str = "") -> Reply:
        lists = {name: value if isinstance(value, list) else [value] for name, value in form.items()}
        request = TokenRequest(lists, self.headers, self.desk)
        answer = {"": SERVER.token, "introspection": SERVER.introspect, "revocation": SERVER.revoke}[endpoint]
        return answer(request)

    def post(self, form: Mapping[str, Any], endpoint: str = "") -> tuple[int, dict[str, Any]]:
        try:
            reply = self.reply(form, endpoint)
        except OAuthRefusal as refusal:
            return refusal.status, refusal.body
        body = b"".join(reply.chunks())
        assert reply.header("Cache-Control") == "no-store"
        assert reply.header("Pragma") == "no-cache"
        assert reply.header("Content-Type") == "application/json"
        return reply.status, json.loads(body) if body else {}

    def me(self) -> dict[str, str]:
        return {} if self.headers else {"client_id": self.client}

    def exchange(self, code: str, **changes: Any) -> tuple[int, dict[str, Any]]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **self.me(),
            **changes,
        }
        return self.post({name: value for name, value in form.items() if value is not None})

    def sign_in(self, **changes: str | None) -> dict[str, Any]:
        status, body = self.exchange(self.code(**changes))
        assert status == 200, body
        return body

    def refresh(self, token: str, **more: Any) -> tuple[int, dict[str, Any]]:
        return self.post({"grant_type": "refresh_token", "refresh_token": token, **self.me(), **more})

    def introspect(self, token: str, **more: str) -> dict[str, Any]:
        status, body = self.post({"token": token, **self.me(), **more}, "introspection")
        assert status == 200, body
        return body

    def is_alive(self, token: str) -> bool:
        """Whether an access token is good at the payer."""
        try:
            return bool(access(self.desk, f"Bearer {token}"))
        except Unauthorized:
            return False

    def revoke(self, token: str, **more: str) -> int:
        return self.post({"token": token, **self.me(), **more}, "revocation")[0]
