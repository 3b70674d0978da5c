"""Authlib's framework-free authorization server, adapted to plain requests and replies.

`TokenRequest` carries the desk, so that grants find the tenant's payer, clock and ledger on it.
Authlib's own Flask integration is not used: it ignores the request it is given and refuses plain
http on 127.0.0.1, where a sandbox lives.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer as _Server
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from sandbox.auth.authorization.request import REPEATABLE, with_values
from sandbox.auth.clients.authentication import authenticate, basic_id
from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.grants.authorization_code import AuthorizationCode, Challenge
from sandbox.auth.grants.client_credentials import ClientCredentials
from sandbox.auth.grants.refresh_token import RefreshToken
from sandbox.auth.tokens.introspection import Introspection
from sandbox.auth.tokens.revocation import Revocation
from sandbox.core.files import json_bytes
from sandbox.core.gates import Reply

logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it logs every token that is issued

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class TokenRequest(OAuth2Request):
    """A form posted to /auth/token, /auth/revoke or /auth/introspect."""

    def __init__(self, form: Mapping[str, Sequence[str]], headers: Mapping[str, str], desk: Desk):
        # Whether plain http is acceptable is decided where the server listens, not here.
        super().__init__("POST", "https://authorization.server/", headers=dict(headers))
        self.lists = with_values(form)
        self._form = {name: values[0] for name, values in self.lists.items()}
        self.payload = BasicOAuth2Payload(self._form)
        self.desk = desk

    @property
    def form(self) -> dict[str, str]:
        return self._form


class AuthorizationServer(_Server):
    """Token, revocation and introspection endpoints. Stateless: one instance per app."""

    def __init__(self) -> None:
        super().__init__()
        self.register_grant(AuthorizationCode, [Challenge()])
        self.register_grant(RefreshToken)
        self.register_grant(ClientCredentials)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def token(self, request: TokenRequest) -> Reply:
        if "grant_type" not in request.form:
            return self.handle_error_response(request, InvalidRequestError("grant_type is missing"))
        return self._guarded(request, lambda: self.create_token_response(request))

    def endpoint(self, name: str, request: TokenRequest) -> Reply:
        """`name` is "revocation" or "introspection"."""
        return self._guarded(request, lambda: self.create_endpoint_response(name, request))

    def _guarded(self, request: TokenRequest, answer: Any) -> Reply:
        """RFC 6749 §3.2: no parameter twice; §2.3: one way to authenticate."""
        problem = None
        if any(len(values) > 1 for name, values in request.lists.items() if name not in REPEATABLE):
            problem = InvalidRequestError("A parameter is there more than once")
        elif "Authorization" in request.headers and request.form.get("client_secret"):
            problem = InvalidRequestError("The client authenticates in two ways at once")
        elif (named := basic_id(request.headers)) and request.form.get("client_id", named) != named:
            problem = InvalidRequestError("client_id and the Authorization header name two clients")
        elif request.form.get("grant_type") == "authorization_code" and "redirect_uri" not in request.form:
            problem = InvalidRequestError("redirect_uri is missing")
        elif "\x00" in "".join(request.form.values()):
            problem = InvalidRequestError("A parameter holds a NUL character")
        if problem:
            return self.handle_error_response(request, problem)
        reply: Reply = answer()
        return reply

    # What Authlib asks of a framework.

    def authenticate_client(
        self, request: TokenRequest, methods: list[str], endpoint: str = "token"
    ) -> Client:
        client = authenticate(request, endpoint)
        request.auth_method = client.auth_method
        return client

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Reply:
        kept = [(name, value) for name, value in headers if name.lower() not in ("cache-control", "pragma")]
        content = body.encode() if isinstance(body, str) else json_bytes(body) if body else b""
        return Reply(status, (*kept, *NO_STORE), content)

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Reply:
        status, body, headers = error()
        if isinstance(error, InvalidClientError):  # RFC 6749 §5.2; a realm is required (RFC 7617 §2)
            status = 401
            headers = [(name, value) for name, value in headers if name != "WWW-Authenticate"]
            headers.append(("WWW-Authenticate", 'Basic realm="token"'))
        return self.handle_response(status, dict(body), headers)
