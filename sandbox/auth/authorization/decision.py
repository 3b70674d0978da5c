"""A member's decision goes back to the app as a code or an error, on the redirect URI.

Sources: RFC 6749 §4.1.2, RFC 9207 (iss), OAuth 2.0 Multiple Response Type Encoding Practices (query
and fragment).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from sandbox.auth.authorization.request import AuthorizationRequest
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import CallbackError
from sandbox.auth.scopes import subset
from sandbox.store.ledger.repositories.grants import Code, Grant
from sandbox.store.secret import new_secret


@dataclass(frozen=True)
class Decision:
    """What the app receives after consent: the value of the AUTHORIZE gate.

    Without `error` a code is issued; `params` go into the callback as they are. `refused` is why the token
    will be refused data; `fhir_user` is who signed in, where that is not the patient, `signed_in` when (ms).
    """

    username: str
    patient: str
    scope: tuple[str, ...]
    redirect_uri: str
    params: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    description: str | None = None
    refused: str | None = None
    fhir_user: str = ""
    signed_in: int | None = None

    def within(self, limit: Decision) -> Decision:
        """Return this decision without anything that `limit` does not give."""
        return replace(
            self,
            username=limit.username,
            patient=limit.patient,
            fhir_user=limit.fhir_user,
            signed_in=limit.signed_in,
            redirect_uri=limit.redirect_uri,
            scope=tuple(text for text in self.scope if subset(text, " ".join(limit.scope))),
            error=self.error or limit.error,
            description=self.description if self.error else limit.description,
            refused=self.refused or limit.refused,
        )


@dataclass(frozen=True)
class AuthorizationAnswer:
    """The URL to send the browser to, with its code and grant (None: it has an error)."""

    url: str
    code: str | None = None
    grant: str | None = None


def issue(context: AuthContext, request: AuthorizationRequest, decision: Decision) -> AuthorizationAnswer:
    """Write a code and its grant to the ledger, unless the decision is an error, and return the answer."""
    mode = context.payer.response_mode
    if decision.error:
        params = {"error": decision.error}
        if decision.description:
            params["error_description"] = decision.description
        return AuthorizationAnswer(callback(decision.redirect_uri, params | dict(decision.params), mode))
    now = context.now()
    grant = Grant(
        new_secret(12),
        request.client_id,
        decision.username,
        decision.patient,
        " ".join(decision.scope),
        now,
        decision.refused,
        None,
        fhir_user=decision.fhir_user,
        signed_in=decision.signed_in,
    )
    code = new_secret()
    context.ledger.add_grant(grant)
    context.ledger.add_code(
        code,
        Code(
            grant.id,
            request.client_id,
            request.redirect_uri,
            request.challenge,
            request.nonce,
            now + context.payer.code_seconds * 1000,
            None,
        ),
    )
    url = callback(decision.redirect_uri, {"code": code} | dict(decision.params), mode)
    return AuthorizationAnswer(url, code, grant.id)


def reply_params(context: AuthContext, state: str | None) -> dict[str, str]:
    """Return what every callback has: the state byte for byte, and iss (RFC 9207) by policy."""
    issuer = {"iss": context.issuer} if context.payer.callback_iss else {}
    return ({"state": state} if state is not None else {}) | issuer


def error_url(context: AuthContext, error: CallbackError) -> str:
    """Return the callback URL for an error."""
    params = {"error": error.error, "error_description": error.description}
    return callback(
        error.redirect_uri, params | reply_params(context, error.state), context.payer.response_mode
    )


def callback(redirect_uri: str, params: Mapping[str, str], mode: str = "query") -> str:
    """Return the redirect URI with parameters added to its query or fragment.

    Bytes that were no UTF-8 (surrogates, PEP 383) come out as they came in.
    """
    added = urlencode(params, errors="surrogateescape")
    if mode == "fragment":
        return f"{redirect_uri}#{added}"
    separator = "?" if "?" not in redirect_uri else "" if redirect_uri[-1] in "?&" else "&"
    return f"{redirect_uri}{separator}{added}"
