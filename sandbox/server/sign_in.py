"""Signing in to a payer as an app does: over HTTP, or within the process of the payer itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from flask import Flask

from sandbox.apis.control.client import auth_base, fhir_base, select
from sandbox.core.errors import UsageError
from sandbox.core.files import json_value
from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard, addresses
from sandbox.score.instruments.facts import NO_FACTS, PATH, Member, parse
from sandbox.score.signin import tokens
from sandbox.score.signin.launch import SmartApp
from sandbox.score.signin.tokens import ClientApp
from sandbox.settings import root

BACKEND = "sandbox-backend"
"""The backend service that every sandbox knows; its private key is public on purpose."""
SYSTEM_SCOPE = "system/*.rs"

_PAYERS_TIME = re.compile(r"this payer's clock says (\d{1,12})")


class TokenResponse(dict[str, Any]):
    """The JSON object that the token endpoint sent: nothing is added, renamed or left out."""

    @property
    def patient(self) -> str | None:
        """The `patient` of the response; None when the payer did not name one."""
        return self.get("patient")

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header that carries the access token."""
        return {"Authorization": f"Bearer {self['access_token']}"}


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
    a failed sign-in. Raises UsageError in one line for an unreachable payer, an unknown member, or an error
    of the payer.
    """
    fhir = fhir_base(base)
    with HttpClient(Guard(fhir, (), addresses), transport=transport) as http:
        discovery = _discovered(http, fhir)
        answer = http.get(f"{fhir}{PATH}", step="facts")
        facts = parse(answer.json(), f"{fhir}{PATH}") if answer.status == 200 else NO_FACTS
        endpoints = discovery.endpoints(facts.instruments)
        if endpoints is None or not facts.instruments.client_id:
            message = answer.json().get("issue", [{}])[0].get("details", {}).get("text")
            raise UsageError(message or f"{fhir} does not say where to sign in")
        app = ClientApp(
            facts.instruments.client_id, facts.instruments.redirect_uri or "http://127.0.0.1/callback"
        )
        passwords = {m.username: m.password for m in facts.instruments.members}
        who, at, scenario = member.partition("@")  # the password is the member's, whatever is chosen
        if password is None and who not in passwords:
            raise UsageError(f"no member {member!r} here: `payer-sandbox members` lists the named ones")
        account = Member(username=member, password=password if password is not None else passwords[who])
        session = SmartApp(http, endpoints, app, fhir, endpoints.scopes(scope)).sign_in(account)
        if not session.response or session.outcome == "STATE_MISMATCH":
            refusal = ": ".join(part for part in (session.error, session.description) if part)
            if at and not refusal:
                wrong = http.get(f"{fhir_base(select(base, scenario))}/metadata", step="discovery")
                refusal = wrong.json().get("issue", [{}])[0].get("details", {}).get("text", "")
            raise UsageError(f"{member} could not sign in: {refusal or session.reason}")
        response, refresh_token = session.response, session.response.get("refresh_token")
        for _ in range(refresh):
            if not isinstance(refresh_token, str):
                raise UsageError(f"{member}'s token could not be refreshed: there is no refresh token")
            reply = tokens.refresh(http, endpoints, app, refresh_token)
            if not reply.works:
                raise UsageError(f"{member}'s token could not be refreshed: {reply.why()}")
            response = reply.body
            # Without a new one the old one stays good (RFC 6749 §6).
            refresh_token = response.get("refresh_token", refresh_token)
        return TokenResponse(response)


@dataclass(frozen=True)
class TokenAnswer:
    """What the token endpoint answered, as it was sent."""

    status: int
    content_type: str
    body: bytes


def connect_within(app: Flask, base: str, *, member: str, scope: str = "", refresh: int = 0) -> TokenAnswer:
    """Sign in at a payer of this process, without a connection, and return what the token endpoint sent.

    Raises UsageError in one line where the sign-in ends before there is a token response.
    """
    transport = _Within(app, auth_base(base))
    try:
        connect(base, member=member, scope=scope, refresh=refresh, transport=transport)
    except UsageError:
        if transport.answer is None:
            raise
    if transport.answer is None:
        raise UsageError(f"{member} could not sign in: there was no token request")
    return transport.answer


class _Within(httpx.BaseTransport):
    """Calls an app of this process; keeps the last answer of the token endpoint below `auth`."""

    def __init__(self, app: Flask, auth: str):
        self._inner = httpx.WSGITransport(self._call, remote_addr="127.0.0.1")
        self._app, self._token = app, f"{auth}/token"
        self.answer: TokenAnswer | None = None

    def _call(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # The app keeps the request in hand in context variables: this one has its own.
        return Context().run(lambda: list(self._app.wsgi_app(environ, start_response)))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if str(request.url) == self._token:
            body = response.read()
            content_type = response.headers.get("Content-Type", "")
            self.answer = TokenAnswer(response.status_code, content_type, body)
        return response


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
            raise UsageError(f"{fhir} does not say where tokens come from")
        reply = tokens.client_credentials(http, endpoints, app, scope or SYSTEM_SCOPE)
        if clock := _PAYERS_TIME.search(reply.text("error_description")):
            when = datetime.fromtimestamp(int(clock[1]), UTC)
            reply = tokens.client_credentials(http, endpoints, app, scope or SYSTEM_SCOPE, when)
        if not reply.works:
            raise UsageError(f"{BACKEND} got no token: {reply.text('error_description') or reply.why()}")
        return TokenResponse(reply.body)


def _discovered(http: HttpClient, fhir: str) -> Discovery:
    discovery = discover(http, fhir)
    if not discovery.reached:
        raise UsageError(f"{fhir} cannot be reached: is the sandbox running? (payer-sandbox serve)")
    return discovery
