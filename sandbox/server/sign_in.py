"""Signing in to a payer as an app does: over HTTP, or within the process of the payer itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from flask import Flask

from sandbox.apis.control.client import fhir_base, select
from sandbox.core.errors import UsageError
from sandbox.core.files import json_value
from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard, addresses
from sandbox.score.instruments.facts import NO_FACTS, PATH, Member, parse
from sandbox.score.signin import tokens
from sandbox.score.signin.launch import SmartApp
from sandbox.score.signin.tokens import ClientApp, TokenReply
from sandbox.settings import root

BACKEND = "sandbox-backend"
"""The backend service that every sandbox knows; its private key is public on purpose."""
SYSTEM_SCOPE = "system/*.rs"

_PAYERS_TIME = re.compile(r"this payer's clock says (\d{1,12})")


@dataclass(frozen=True)
class TokenAnswer:
    """What the token endpoint answered, as it was sent."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class TokenResponse(dict[str, Any]):
    """The JSON object that the token endpoint sent: nothing is added, renamed or left out."""

    def __init__(self, reply: TokenReply):
        super().__init__(reply.body)
        self.answer = _answer(reply)

    @property
    def body(self) -> bytes:
        """The body of the response as it was sent."""
        return self.answer.body

    @property
    def patient(self) -> str | None:
        """The `patient` of the response; None when the payer did not name one."""
        return self.get("patient")

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header that carries the access token."""
        return {"Authorization": f"Bearer {self['access_token']}"}


class SignInFailed(UsageError):
    """There is no token; `answer` is what the token endpoint answered, None when no answer came."""

    def __init__(self, text: str, reply: TokenReply | None):
        super().__init__(text)
        self.answer = _answer(reply) if reply and reply.answer.status else None


def _answer(reply: TokenReply) -> TokenAnswer:
    answer = reply.answer
    return TokenAnswer(answer.status, answer.headers.get("content-type", ""), answer.body)


def connect(
    base: str,
    *,
    member: str,
    password: str | None = None,
    scope: str = "",
    refresh: int = 0,
    transport: httpx.BaseTransport | None = None,
) -> TokenResponse:
    """Sign in at the payer `base` (without /fhir) and return the last token response.

    The token is refreshed `refresh` times. A callback that an app must refuse (no `state`, or another one) is
    a failed sign-in. Raises UsageError in one line for an unreachable payer or an unknown member, and
    SignInFailed for an error of the payer.
    """
    fhir = fhir_base(base)
    with HttpClient(Guard(fhir, (), addresses), transport=transport) as http:
        discovery = _discovered(http, fhir)
        answer = http.get(f"{fhir}{PATH}", step="facts")
        facts = parse(answer.json(), f"{fhir}{PATH}") if answer.status == 200 else NO_FACTS
        endpoints = discovery.endpoints(facts.instruments)
        if endpoints is None or not facts.instruments.client_id:
            message = answer.json().get("issue", [{}])[0].get("details", {}).get("text")
            raise UsageError(message or f"{fhir} does not name its authorization endpoint")
        app = ClientApp(
            facts.instruments.client_id, facts.instruments.redirect_uri or "http://127.0.0.1/callback"
        )
        passwords = {m.username: m.password for m in facts.instruments.members}
        who, at, scenario = member.partition("@")  # the password is the member's, whatever is chosen
        if password is None and who not in passwords:
            raise UsageError(f"no member {member!r} here: `payer-sandbox members` lists the named ones")
        account = Member(username=member, password=password if password is not None else passwords[who])
        replies: list[TokenReply] = []

        def redeem(code: str, verifier: str) -> TokenReply:
            replies.append(tokens.redeem(http, endpoints, app, code, verifier))
            return replies[-1]

        session = SmartApp(http, endpoints, app, fhir, endpoints.scopes(scope)).sign_in(account, redeem)
        if not session.response or session.outcome == "STATE_MISMATCH":
            refusal = ": ".join(part for part in (session.error, session.description) if part)
            if at and not refusal:
                wrong = http.get(f"{fhir_base(select(base, scenario))}/metadata", step="discovery")
                refusal = wrong.json().get("issue", [{}])[0].get("details", {}).get("text", "")
            text = f"{member} could not sign in: {refusal or session.reason}"
            raise SignInFailed(text, replies[-1] if replies else None)
        reply, refresh_token = replies[-1], session.response.get("refresh_token")
        for _ in range(refresh):
            if not isinstance(refresh_token, str):
                text = f"{member}'s token could not be refreshed: there is no refresh token"
                raise SignInFailed(text, reply)
            reply = tokens.refresh(http, endpoints, app, refresh_token)
            if not reply.works:
                text = f"{member}'s token could not be refreshed: {reply.why()}"
                raise SignInFailed(text, reply)
            # Without a new one the old one stays good (RFC 6749 §6).
            refresh_token = reply.body.get("refresh_token", refresh_token)
        return TokenResponse(reply)


def connect_within(app: Flask, base: str, *, member: str, scope: str = "", refresh: int = 0) -> TokenAnswer:
    """Sign in at a payer of this process, without a connection, and return what the token endpoint sent.

    Raises UsageError in one line where the sign-in ends before there is a token response.
    """

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # The app keeps the request in hand in context variables: this one has its own.
        return Context().run(lambda: list(app.wsgi_app(environ, start_response)))

    transport = httpx.WSGITransport(call, remote_addr="127.0.0.1")
    try:
        return connect(base, member=member, scope=scope, refresh=refresh, transport=transport).answer
    except SignInFailed as problem:
        if problem.answer is None:
            raise
        return problem.answer


def system_token(base: str, *, scope: str) -> TokenResponse:
    """Return a token of the backend service at the payer `base` (without /fhir).

    It reads all data. An empty `scope` stands for `system/*.rs`. Raises UsageError in one line.
    """
    fhir = fhir_base(base)
    key = json_value((root() / "fixtures" / "keys" / f"{BACKEND}.jwk").read_bytes())
    app = ClientApp(BACKEND, "", key=key, auth_method="private_key_jwt")
    with HttpClient(Guard(fhir, (), addresses)) as http:
        endpoints = _discovered(http, fhir).endpoints(NO_FACTS.instruments)
        if endpoints is None:
            raise UsageError(f"{fhir} does not name its token endpoint")
        reply = tokens.client_credentials(http, endpoints, app, scope or SYSTEM_SCOPE)
        if clock := _PAYERS_TIME.search(reply.text("error_description")):
            when = datetime.fromtimestamp(int(clock[1]), UTC)
            reply = tokens.client_credentials(http, endpoints, app, scope or SYSTEM_SCOPE, when)
        if not reply.works:
            text = f"{BACKEND} got no token: {reply.text('error_description') or reply.why()}"
            raise SignInFailed(text, reply)
        return TokenResponse(reply)


def _discovered(http: HttpClient, fhir: str) -> Discovery:
    discovery = discover(http, fhir)
    if not discovery.reached:
        raise UsageError(f"{fhir} cannot be reached: is the sandbox running? (payer-sandbox serve)")
    return discovery
