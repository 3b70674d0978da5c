"""Sign in as a member: a SMART standalone launch, the payer's HTML forms filled over HTTP.

SMART App Launch 2.2 §2.0.8 with PKCE (RFC 7636). `sign_in` never raises for what a payer does; its
Session says how the attempt ended, in the words of `Outcome`. The redirect URI is never requested.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode

from sandbox.score.evidence import Exchange
from sandbox.score.http.client import HttpClient
from sandbox.score.signin import patient_context, tokens
from sandbox.score.signin.outcomes import means_ineligible
from sandbox.score.signin.page_flow import Ended, PageWalk
from sandbox.score.signin.pages import trace
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

Driver = Callable[[str, "LentAccount"], "tuple[str | SignInSession | Ended, tuple[Exchange, ...]]"]
"""Leads an authorize URL to the callback's URL, to the session of an attempt that never got there, or to
what a walk through the pages came to."""

Redeem = Callable[[HttpClient, Endpoints, ClientApp, str, str], TokenReply]
"""Exchanges a code, with its PKCE verifier, at the token endpoint."""

WAYS_OUT = "sign in another way: --browser, --browser-driver or --sign-in-script FILE"


@dataclass(frozen=True)
class LentAccount:
    """Who signs in."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class SignInSession:
    """How a sign-in ended, and what it gave. `reason` is one line; tokens are for memory only."""

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
    """The pages on the way, and what was done on each; empty where a person or a script signed in."""

    @property
    def walked(self) -> bool:
        """Whether the attempt tells something of the payer."""
        return self.outcome != "UNWALKED"

    @property
    def authorized(self) -> bool:
        return self.outcome == "AUTHORIZED"

    @property
    def usable(self) -> bool:
        """Whether there is a token and a patient to look further with, though an app might not have them."""
        return bool(self.access_token and self.patient)

    def bearer(self, http: HttpClient, endpoints: Endpoints, app: ClientApp) -> Bearer:
        """The session's token, able to renew itself."""
        return Bearer(self.access_token, self.refresh_token, http=http, endpoints=endpoints, app=app)


def sign_in(
    http: HttpClient,
    endpoints: Endpoints,
    app: ClientApp,
    account: LentAccount,
    *,
    aud: str,
    scope: str = "",
    scopes: Scopes | None = None,
    driver: Driver | None = None,
    redeem: Redeem = tokens.redeem,
) -> SignInSession:
    """One attempt, in a fresh cookie jar. `aud` is the FHIR base; `scope` defaults to what is listed.

    Where the payer answers invalid_scope it is made again with narrower `scopes`. `driver` takes the place
    of filling the payer's own forms over HTTP, `redeem` that of redeeming the code.
    """
    launch = _Launch(http, endpoints, app, aud, redeem)
    scopes = scopes or Scopes(endpoints.scopes_supported, endpoints.capabilities, scope)
    exchanges: tuple[Exchange, ...] = ()
    while True:
        session = launch.attempt(account, scopes.current, driver or _forms(http, app))
        exchanges += session.exchanges
        if not (_refuses_scope(session) and scopes.narrow()):
            return replace(session, exchanges=exchanges)


def _refuses_scope(session: SignInSession) -> bool:
    return session.error == "invalid_scope" or session.reason.endswith("(invalid_scope)")


@dataclass(frozen=True)
class _Launch:
    """One app at one payer: makes attempts with a state and a verifier of their own."""

    http: HttpClient
    endpoints: Endpoints
    app: ClientApp
    aud: str
    redeem: Redeem

    def attempt(self, account: LentAccount, scope: str, driver: Driver) -> SignInSession:
        """From the authorize URL to the token."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        self.http.secrets |= {state, verifier, account.password}
        ended, exchanges = driver(self._authorize_url(state, verifier, scope), account)
        if isinstance(ended, SignInSession):
            return replace(ended, exchanges=exchanges)
        way = ended if isinstance(ended, Ended) else Ended(ended)
        if way.stop is not None:
            return replace(_stopped(way), exchanges=exchanges)
        parameters = {name: values[0] for name, values in parse_qs(query_of(way.callback)).items()}
        self.http.watch.callback(parameters, state)
        session = self._called_back(parameters, state, verifier, scope)
        if way.doubts and _declines(session):
            # Perhaps it was us who declined: what was pressed without being sure counts for nobody.
            why = _why_unwalked(f"{session.reason}, after {way.doubts[-1]}", way.looks)
            session = replace(session, outcome="UNWALKED", reason=why)
        return replace(session, exchanges=(*exchanges, *session.exchanges), looks=way.looks)

    def _authorize_url(self, state: str, verifier: str, scope: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.app.redirect_uri,
            "scope": scope,
            "state": state,
            "aud": self.aud,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in self.endpoints.authorization else "?"
        return f"{self.endpoints.authorization}{joint}{urlencode(query)}"

    def _called_back(
        self, parameters: dict[str, str], state: str, verifier: str, scope: str
    ) -> SignInSession:
        if "error" in parameters:
            error, description = parameters["error"], parameters.get("error_description", "")
            problem = f"{error} ({description[:120]})" if description else error
            uri = parameters.get("error_uri", "")
            return SignInSession("CALLBACK_ERROR", f"the callback said {problem}", error, description, uri)
        if "code" not in parameters:
            return SignInSession("CALLBACK_ERROR", "the callback carried neither a code nor an error")
        self.http.secrets.add(parameters["code"])
        reply = self.redeem(self.http, self.endpoints, self.app, parameters["code"], verifier)
        session = self._ended(reply, scope)
        if parameters.get("state") == state:
            return session
        # An app stops here. The grader's code is its own (PKCE proves it), and one fault should cost one
        # metric: the attempt has failed, but its token serves to look at the rest.
        what = "another state than ours" if parameters.get("state") else "no state"
        why = f"the callback carried {what}: an app must refuse its code"
        return replace(session, outcome="STATE_MISMATCH", reason=why)

    def _ended(self, reply: TokenReply, scope: str) -> SignInSession:
        """The session that the answer of the token endpoint makes."""
        exchanges: tuple[Exchange, ...] = (reply.answer.exchange,)
        if not reply.works:
            return SignInSession("EXCHANGE_FAILED", reply.why(), reply.text("error"), exchanges=exchanges)
        context = patient_context.find(self.http, self.aud, reply)
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
            scope=reply.text("scope") or scope,  # RFC 6749 §5.1: left out when identical to what was asked
            expires_in=expires if isinstance(expires, int) else None,
            response=reply.body,
            exchanges=exchanges,
        )


def _forms(http: HttpClient, app: ClientApp) -> Driver:
    """The driver that needs no browser."""

    def drive(start: str, account: LentAccount) -> tuple[Ended, tuple[Exchange, ...]]:
        ended = PageWalk(http, app.redirect_uri, account.username, account.password).go(start)
        return ended, ended.exchanges

    return drive


def _stopped(way: Ended) -> SignInSession:
    """The Session of a way that never reached the callback."""
    assert way.stop is not None
    if way.stop.ours:
        return SignInSession("UNWALKED", _why_unwalked(way.stop.reason, way.looks), looks=way.looks)
    return SignInSession("LOGIN_FAILED" if way.stop.login else "ERROR_PAGE", way.stop.reason, looks=way.looks)


def _why_unwalked(reason: str, looks: tuple[Look, ...]) -> str:
    done = trace.summary(looks)
    before = f" (before that: {done})" if done else ""
    return f"the grader could not walk the sign-in: {reason}{before}; {WAYS_OUT}"


def _declines(session: SignInSession) -> bool:
    """Whether a callback says no without a word of eligibility: the member's no, as far as it tells."""
    refused = session.outcome == "CALLBACK_ERROR" and session.error in ("access_denied", "consent_required")
    return refused and not means_ineligible(session.error, session.description, session.error_uri)


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
