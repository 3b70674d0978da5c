"""Signs in as a member: a SMART standalone launch, with the payer's HTML forms filled over HTTP.

SMART App Launch 2.2 §2.0.8 with PKCE (RFC 7636). `SmartApp.sign_in` never raises for what a payer does: its
session tells how the attempt ended, in the words of `Outcome`. The redirect URI is never requested.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, urlencode

from sandbox.score.evidence import Exchange
from sandbox.score.http.client import HttpClient
from sandbox.score.signin import patient_context, tokens
from sandbox.score.signin.eligibility import speaks_of_eligibility
from sandbox.score.signin.page_flow import Ended, PageWalk
from sandbox.score.signin.pages import trace
from sandbox.score.signin.pages.steps import Stop
from sandbox.score.signin.pages.trace import Look
from sandbox.score.signin.scopes import Scopes
from sandbox.score.signin.tokens import Bearer, ClientApp, Endpoints, TokenReply

Outcome = Literal[
    "AUTHORIZED",  # a usable access token and a known patient
    "CALLBACK_ERROR",  # the payer came back to the app and said why not
    "STATE_MISMATCH",  # a code, but not with our state: an app must refuse it (`sign_in` looks further)
    "ERROR_PAGE",  # it never came back to the app
    "LOGIN_FAILED",  # the password form came up again
    "EXCHANGE_FAILED",  # the code did not become a usable token
    "UNWALKED",  # the grader could not walk the payer's pages: it tells nothing of the payer
]

MOST_TRIES = 3


class SignInAccount(Protocol):
    """The user name and password of who signs in."""

    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...


Driver = Callable[[str, SignInAccount], "Ended | SignInSession"]
"""Opens an authorize URL and signs in. A session is an attempt that never came to the callback."""

Redeem = Callable[[str, str], TokenReply]
"""Exchanges a code, with its PKCE verifier, at the token endpoint."""

WAYS_OUT = "sign in another way: --browser, --browser-driver or --sign-in-script FILE"


@dataclass(frozen=True)
class SignInSession:
    """The result of a sign-in. `reason` is one line; tokens are kept in memory only."""

    outcome: Outcome
    reason: str = ""
    error: str = ""
    description: str = ""
    error_uri: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    patient: str = ""
    scope: str = ""
    expires_in: int | None = None
    response: dict[str, Any] = field(default_factory=dict, repr=False)
    """The token response as the payer sent it; empty where none gave an access token."""
    exchanges: tuple[Exchange, ...] = ()
    looks: tuple[Look, ...] = ()
    """The pages, and what was done on each; empty where a person or a script signed in."""

    @property
    def walked(self) -> bool:
        """Whether the grader could complete the payer's pages, so that the attempt counts."""
        return self.outcome != "UNWALKED"

    @property
    def authorized(self) -> bool:
        return self.outcome == "AUTHORIZED"

    @property
    def usable(self) -> bool:
        """Whether there is a token and a patient, even if an app would not have them."""
        return bool(self.access_token and self.patient)


@dataclass(frozen=True)
class SmartApp:
    """The grader's app at one payer. `base` is the FHIR base that members sign in for.

    `driver` takes the place of filling the payer's own forms over HTTP.
    """

    http: HttpClient
    endpoints: Endpoints
    client: ClientApp
    base: str
    scopes: Scopes
    driver: Driver | None = None

    def sign_in(self, account: SignInAccount, redeem: Redeem | None = None) -> SignInSession:
        """Try once, with new cookies; again with narrower scopes if the scopes are refused.

        `redeem` takes the place of redeeming the code.
        """
        exchanges: tuple[Exchange, ...] = ()
        while True:
            session = self._attempt(account, redeem or self.redeem)
            exchanges += session.exchanges
            is_refused = session.error == "invalid_scope" or session.reason.endswith("(invalid_scope)")
            if not (is_refused and self.scopes.narrow()):
                return replace(session, exchanges=exchanges)

    def sign_in_with_retries(self, account: SignInAccount) -> SignInSession:
        """Try up to three times, unless the payer denies access on the callback."""
        exchanges: tuple[Exchange, ...] = ()
        for _ in range(MOST_TRIES):
            session = self.sign_in(account)
            exchanges += session.exchanges
            if session.usable or session.error == "access_denied" or not session.walked:
                break
        return replace(session, exchanges=exchanges)

    def redeem(self, code: str, verifier: str) -> TokenReply:
        return tokens.redeem(self.http, self.endpoints, self.client, code, verifier)

    def refresh(self, refresh_token: str) -> TokenReply:
        return tokens.refresh(self.http, self.endpoints, self.client, refresh_token)

    def bearer(self, session: SignInSession) -> Bearer:
        """Return the session's token, which can renew itself."""
        return Bearer(session.access_token, session.refresh_token, self.refresh)

    def _attempt(self, account: SignInAccount, redeem: Redeem) -> SignInSession:
        """Go from the authorize URL to the token."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        self.http.secrets |= {state, verifier, account.password}
        start = self._authorize_url(state, verifier)
        if self.driver is not None:
            ended = self.driver(start, account)
        else:
            ended = PageWalk(self.http, self.client.redirect_uri, account.username, account.password).go(
                start
            )
        if isinstance(ended, SignInSession):
            return ended
        if ended.stop is not None:
            return _stopped(ended, ended.stop)
        query = ended.callback.partition("#")[0].partition("?")[2]
        parameters = {name: values[0] for name, values in parse_qs(query).items()}
        self.http.watch.callback(parameters, state)
        session = self._called_back(parameters, state, lambda code: redeem(code, verifier))
        if ended.doubts and _declines(session):
            # Perhaps the grader declined by an uncertain choice: the attempt does not count.
            why = _why_unwalked(f"{session.reason}, after {ended.doubts[-1]}", ended.looks)
            session = replace(session, outcome="UNWALKED", reason=why)
        return replace(session, exchanges=(*ended.exchanges, *session.exchanges), looks=ended.looks)

    def _authorize_url(self, state: str, verifier: str) -> str:
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": self.scopes.current,
            "state": state,
            "aud": self.base,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in self.endpoints.authorization else "?"
        return f"{self.endpoints.authorization}{joint}{urlencode(query)}"

    def _called_back(
        self, parameters: dict[str, str], state: str, redeem: Callable[[str], TokenReply]
    ) -> SignInSession:
        if "error" in parameters:
            error, description = parameters["error"], parameters.get("error_description", "")
            problem = f"{error} ({description[:120]})" if description else error
            uri = parameters.get("error_uri", "")
            return SignInSession(
                "CALLBACK_ERROR", f"the callback returned {problem}", error, description, uri
            )
        if "code" not in parameters:
            return SignInSession("CALLBACK_ERROR", "the callback had neither a code nor an error")
        self.http.secrets.add(parameters["code"])
        session = self._ended(redeem(parameters["code"]))
        if parameters.get("state") == state:
            return session
        # An app stops here. The grader's code is its own (PKCE proves it), and one fault should cost one
        # metric: the attempt has failed, but its token serves to look at the rest.
        what = "a state that differs from the request's" if parameters.get("state") else "no state"
        why = f"the callback had {what}: an app must reject its code"
        return replace(session, outcome="STATE_MISMATCH", reason=why)

    def _ended(self, reply: TokenReply) -> SignInSession:
        """Return the session that the answer of the token endpoint gives."""
        exchanges: tuple[Exchange, ...] = (reply.answer.exchange,)
        if not reply.works:
            return SignInSession("EXCHANGE_FAILED", reply.why(), reply.text("error"), exchanges=exchanges)
        context = patient_context.find(self.http, self.base, reply)
        exchanges += context.exchanges
        if not context.patient:
            why = f"the token response names no patient{context.why}"
            return SignInSession("EXCHANGE_FAILED", why, response=reply.body, exchanges=exchanges)
        expires = reply.body.get("expires_in")
        return SignInSession(
            "AUTHORIZED",
            access_token=reply.text("access_token"),
            refresh_token=reply.text("refresh_token"),
            patient=context.patient,
            scope=reply.text("scope") or self.scopes.current,  # RFC 6749 §5.1: left out when identical
            expires_in=expires if isinstance(expires, int) else None,
            response=reply.body,
            exchanges=exchanges,
        )


def _stopped(ended: Ended, stop: Stop) -> SignInSession:
    """Return the session of an attempt that never reached the callback."""
    if stop.ours:
        why = _why_unwalked(stop.reason, ended.looks)
        return SignInSession("UNWALKED", why, exchanges=ended.exchanges, looks=ended.looks)
    outcome: Outcome = "LOGIN_FAILED" if stop.login else "ERROR_PAGE"
    return SignInSession(outcome, stop.reason, exchanges=ended.exchanges, looks=ended.looks)


def _why_unwalked(reason: str, looks: tuple[Look, ...]) -> str:
    done = trace.summary(looks)
    before = f" (before that: {done})" if done else ""
    return f"the scorer could not complete the sign-in: {reason}{before}; {WAYS_OUT}"


def _declines(session: SignInSession) -> bool:
    """Return whether the callback says that the member declined, and nothing about eligibility."""
    refused = session.outcome == "CALLBACK_ERROR" and session.error in ("access_denied", "consent_required")
    return refused and not speaks_of_eligibility(session.error, session.description, session.error_uri)
