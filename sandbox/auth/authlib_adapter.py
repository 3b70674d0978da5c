"""The token endpoint is Authlib's; the functions that it calls are in `grants` and `authentication`.

This is the only module that subclasses Authlib. Its Flask integration is not used: it ignores the request
that it is passed and refuses plain http on 127.0.0.1, where a sandbox listens.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from authlib.oauth2.rfc6749 import AuthorizationServer as _Server
from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox.auth import grants
from sandbox.auth.authentication.authenticate import authenticate, basic_id
from sandbox.auth.authorization.request import REPEATABLE, with_values
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import OAuthRefusal, invalid_request
from sandbox.auth.tokens import token_status
from sandbox.core.files import json_bytes
from sandbox.core.gates import Reply
from sandbox.store.ledger.repositories.grants import Grant

logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it logs every token that is issued

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class TokenRequest(OAuth2Request):
    """A form posted to /auth/token, /auth/revoke or /auth/introspect."""

    def __init__(self, form: Mapping[str, Sequence[str]], headers: Mapping[str, str], context: AuthContext):
        # Whether plain http is acceptable is decided where the server listens, not here.
        super().__init__("POST", "https://authorization.server/", headers=dict(headers))
        self.lists = with_values(form)
        self._form = {name: values[0] for name, values in self.lists.items()}
        self.payload = BasicOAuth2Payload(self._form)
        self.context = context

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Code:
    """An authorization code with the methods and attributes that Authlib reads."""

    def __init__(self, presented: grants.PresentedCode):
        self.presented = presented
        self.code_challenge = presented.code.challenge
        self.code_challenge_method = "S256" if presented.code.challenge else None

    def get_redirect_uri(self) -> str:
        return self.presented.code.redirect_uri

    def get_scope(self) -> str:
        return self.presented.grant.scope


class _AuthorizationCode(AuthorizationCodeGrant):
    def query_authorization_code(self, secret: str, client: Client) -> _Code:
        request: TokenRequest = self.request
        return _Code(grants.find_code(request.context, secret, client, request.form.get("redirect_uri")))

    def authenticate_user(self, code: _Code) -> Grant:
        return code.presented.grant

    def generate_token(
        self, user: Grant, scope: str, include_refresh_token: bool = True, **_: Any
    ) -> dict[str, Any]:
        """Called after every check: a wrong verifier does not spend the code."""
        code: _Code = self.request.authorization_code
        return grants.redeem(self.request.context, code.presented, scope, refresh=include_refresh_token)

    def save_token(self, token: dict[str, Any]) -> None:
        """`redeem` has written it."""

    def delete_authorization_code(self, code: _Code) -> None:
        """A spent code is kept: one that comes back must be recognized."""


class _Challenge(CodeChallenge):
    """PKCE, S256 only. Whether a client may leave it out was decided at /auth/authorize."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def __init__(self) -> None:
        super().__init__(required=False)

    def validate_code_verifier(self, grant: _AuthorizationCode, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as problem:
            code: _Code = grant.request.authorization_code
            text = "code_verifier does not match the code_challenge of the authorization request."
            if not code.code_challenge:
                text = "code_verifier must not be sent: the authorization request had no code_challenge."
            elif "code_verifier" not in grant.request.form:
                text = "code_verifier is missing: the authorization request had a code_challenge."
            raise OAuthRefusal(str(problem.error), text, cause="code-verifier-wrong") from None


class _RefreshToken(RefreshTokenGrant):
    def _validate_request_token(self, client: Client) -> grants.PresentedRefresh:
        request: TokenRequest = self.request
        if "refresh_token" not in request.form:
            raise invalid_request("refresh_token is missing.")
        return grants.find_refresh_token(request.context, request.form["refresh_token"], client)

    def _validate_token_scope(self, presented: grants.PresentedRefresh) -> None:
        grants.check_refresh_scope(self.request.payload.scope, presented.grant)

    def authenticate_user(self, presented: grants.PresentedRefresh) -> Grant:
        return presented.grant

    def issue_token(self, user: Grant, presented: grants.PresentedRefresh) -> dict[str, Any]:
        request: TokenRequest = self.request
        return grants.refresh(
            request.context, request.form["refresh_token"], presented, request.payload.scope
        )

    def save_token(self, token: dict[str, Any]) -> None:
        """`refresh` has written it."""

    def revoke_old_credential(self, presented: grants.PresentedRefresh) -> None:
        """`refresh` has replaced it, in the same transaction."""


class _ClientCredentials(ClientCredentialsGrant):
    def validate_token_request(self) -> None:
        request: TokenRequest = self.request
        request.client = self.authenticate_token_endpoint_client()
        self.scope = grants.grant_system_scopes(request.context, request.client, request.payload.scope)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        response = grants.issue_system_token(self.request.context, self.request.client, self.scope)
        return 200, response, self.TOKEN_RESPONSE_HEADER


_CAUSES = {
    "invalid_client": "client-unauthenticated",
    "unauthorized_client": "grant-type-unsupported",
    "unsupported_grant_type": "grant-type-unsupported",
}
"""Error codes of Authlib's own checks → the cause. All others are malformed requests."""


class AuthorizationServer(_Server):
    """The token, revocation and introspection endpoints. It has no state: one instance serves an app."""

    def __init__(self) -> None:
        super().__init__()
        self.register_grant(_AuthorizationCode, [_Challenge()])
        self.register_grant(_RefreshToken)
        self.register_grant(_ClientCredentials)

    def token(self, request: TokenRequest) -> Reply:
        """Answer a call of the token endpoint. Raises OAuthRefusal."""
        if "grant_type" not in request.form:
            raise invalid_request("grant_type is missing.")
        _check_form(request)
        reply: Reply = self.create_token_response(request)
        return reply

    def revoke(self, request: TokenRequest) -> Reply:
        """Answer a call of the revocation endpoint (RFC 7009). Raises OAuthRefusal."""
        _check_form(request)
        client = authenticate(request, "revoke")
        token_status.revoke(request.context, request.form, client)
        return Reply(200, (("Content-Type", "application/json"), *NO_STORE), b"")

    def introspect(self, request: TokenRequest) -> Reply:
        """Answer a call of the introspection endpoint (RFC 7662). Raises OAuthRefusal."""
        _check_form(request)
        client = token_status.find_holder(request.context, request.headers.get("Authorization", ""))
        client = client or authenticate(request, "introspect")
        body = token_status.introspect(request.context, request.form, client)
        return self.handle_response(200, body, AuthorizationCodeGrant.TOKEN_RESPONSE_HEADER)

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
        return Reply(status, (*kept, *NO_STORE), json_bytes(body))

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> NoReturn:
        cause = _CAUSES.get(str(error.error), "token-form-invalid")
        text = error.get_error_description() or f"The request failed: {error.error}."
        raise OAuthRefusal(str(error.error), text, cause=cause) from None


def _check_form(request: TokenRequest) -> None:
    """Raise OAuthRefusal for a parameter sent twice (RFC 6749 §3.2) or two ways to authenticate (§2.3)."""
    form = request.form
    if any(len(values) > 1 for name, values in request.lists.items() if name not in REPEATABLE):
        raise invalid_request("A parameter is there more than once. Send each parameter once.")
    if "Authorization" in request.headers and form.get("client_secret"):
        raise invalid_request("The client authenticates in two ways. Use the one that it is registered for.")
    if (named := basic_id(request.headers)) and form.get("client_id", named) != named:
        raise invalid_request("client_id and the Authorization header name two clients. Send one of them.")
    if form.get("grant_type") == "authorization_code" and "redirect_uri" not in form:
        raise invalid_request("redirect_uri is missing. Send the one from the authorization request.")
    if "\x00" in "".join(form.values()):
        raise invalid_request("A parameter contains a NUL character.")
