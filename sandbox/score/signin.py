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

import httpx

from sandbox.score import forms, tokens
from sandbox.score.answers import Answer
from sandbox.score.client import Client
from sandbox.score.evidence import Exchange
from sandbox.score.tokens import App, Bearer, Endpoints, TokenReply

Outcome = Literal[
    "AUTHORIZED",  # a usable access token and a known patient
    "CALLBACK_ERROR",  # the payer came back to the app and said why not
    "STATE_MISMATCH",  # a code, but not with our state: an app must refuse it (`sign_in` looks further)
    "ERROR_PAGE",  # it never came back to the app
    "LOGIN_FAILED",  # the password form came up again
    "EXCHANGE_FAILED",  # the code did not become a usable token
]

Driver = Callable[[str, "Account"], "tuple[str | Session, tuple[Exchange, ...]]"]
"""Leads an authorize URL to the callback's URL, or to the Session of an attempt that never got there."""

Redeem = Callable[[Client, Endpoints, App, str, str], TokenReply]
"""Exchanges a code, with its PKCE verifier, at the token endpoint."""

SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
MOST_PAGES = 20


@dataclass(frozen=True)
class Account:
    """Who signs in."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Session:
    """How a sign-in ended, and what it gave. `reason` is one line; tokens are for memory only."""

    outcome: Outcome
    reason: str = ""
    error: str = ""
    description: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    patient: str = ""
    scope: str = ""
    expires_in: int | None = None
    response: dict[str, Any] = field(default_factory=dict, repr=False)
    """The token response as the payer sent it; empty where none gave an access token."""
    exchanges: tuple[Exchange, ...] = ()

    @property
    def authorized(self) -> bool:
        return self.outcome == "AUTHORIZED"

    @property
    def usable(self) -> bool:
        """Whether there is a token and a patient to look further with, though an app might not have them."""
        return bool(self.access_token and self.patient)

    def bearer(self, http: Client, endpoints: Endpoints, app: App) -> Bearer:
        """The session's token, able to renew itself."""
        return Bearer(self.access_token, self.refresh_token, http=http, endpoints=endpoints, app=app)


def sign_in(
    http: Client,
    endpoints: Endpoints,
    app: App,
    account: Account,
    *,
    aud: str,
    scope: str = "",
    driver: Driver | None = None,
    redeem: Redeem = tokens.redeem,
) -> Session:
    """One attempt, in a fresh cookie jar. `aud` is the FHIR base; `scope` defaults to `scope_for`.

    `driver` takes the place of filling the payer's own forms over HTTP, `redeem` that of redeeming the code.
    """
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    http.secrets |= {state, verifier, account.password}
    asked = scope or scope_for(endpoints.scopes_supported)
    query = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": app.redirect_uri,
        "scope": asked,
        "state": state,
        "aud": aud,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in endpoints.authorization else "?"
    start = f"{endpoints.authorization}{joint}{urlencode(query)}"
    ended, exchanges = (driver or _forms(http, app))(start, account)
    if isinstance(ended, Session):
        return replace(ended, exchanges=exchanges)
    said = {name: values[0] for name, values in parse_qs(query_of(ended)).items()}
    http.watch.callback(said, state)
    session = _callback(http, endpoints, app, said, state, verifier, asked, redeem)
    return replace(session, exchanges=(*exchanges, *session.exchanges))


def _forms(http: Client, app: App) -> Driver:
    """The driver that needs no browser."""

    def drive(start: str, account: Account) -> tuple[str | Session, tuple[Exchange, ...]]:
        walk = _Walk(http, app.redirect_uri, account)
        ended = walk.go(start)
        return ended, tuple(walk.exchanges)

    return drive


def scope_for(supported: tuple[str, ...]) -> str:
    """What to ask: SMART v2 scopes, or v1 of a payer that lists only those."""
    v1_only = "patient/*.rs" not in supported and "patient/*.read" in supported
    return SCOPE.replace("patient/*.rs", "patient/*.read") if v1_only else SCOPE


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def is_callback(location: str, redirect_uri: str) -> bool:
    """Whether a redirect returns to the app: the URI itself, then only a query or fragment."""
    rest = location[len(redirect_uri) :]
    return location.startswith(redirect_uri) and (not rest or rest[0] in "?#&")


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _callback(
    http: Client,
    endpoints: Endpoints,
    app: App,
    said: dict[str, str],
    state: str,
    verifier: str,
    asked: str,
    redeem: Redeem,
) -> Session:
    if "error" in said:
        error, description = said["error"], said.get("error_description", "")
        told = f"{error} ({description[:120]})" if description else error
        return Session("CALLBACK_ERROR", f"the callback said {told}", error, description)
    if "code" not in said:
        return Session("CALLBACK_ERROR", "the callback carried neither a code nor an error")
    http.secrets.add(said["code"])
    session = _ended(redeem(http, endpoints, app, said["code"], verifier), asked)
    if said.get("state") == state:
        return session
    # An app stops here. The grader's code is its own (PKCE proves it), and one fault should cost one
    # metric: the attempt has failed, but its token serves to look at the rest.
    what = "another state than ours" if said.get("state") else "no state"
    why = f"the callback carried {what}: an app must refuse its code"
    return replace(session, outcome="STATE_MISMATCH", reason=why)


def _ended(reply: TokenReply, asked: str) -> Session:
    """The session that the answer of the token endpoint makes."""
    exchanges = (reply.answer.exchange,)
    if not reply.works:
        return Session("EXCHANGE_FAILED", reply.why(), reply.text("error"), exchanges=exchanges)
    patient = tokens.patient_of(reply.body)
    if not patient:
        why = "the token response names no patient"
        return Session("EXCHANGE_FAILED", why, response=reply.body, exchanges=exchanges)
    expires = reply.body.get("expires_in")
    return Session(
        "AUTHORIZED",
        access_token=reply.text("access_token"),
        refresh_token=reply.text("refresh_token"),
        patient=patient,
        scope=reply.text("scope") or asked,  # RFC 6749 §5.1: left out when identical to what was asked
        expires_in=expires if isinstance(expires, int) else None,
        response=reply.body,
        exchanges=exchanges,
    )


class _Walk:
    """From the authorize URL through the payer's pages to the callback, or to where it stops."""

    def __init__(self, http: Client, redirect_uri: str, account: Account):
        self.exchanges: list[Exchange] = []
        self._http, self._redirect_uri, self._account = http, redirect_uri, account
        self._jar = httpx.Cookies()
        self._named = self._logged_in = False
        self._pairs: tuple[tuple[str, str], ...] = ()

    def go(self, url: str) -> str | Session:
        """The callback's URL, or the Session of an attempt that never reached it."""
        answer = self._send("GET", url)
        for _ in range(MOST_PAGES):
            if answer.redirect:
                if is_callback(answer.redirect, self._redirect_uri):
                    return answer.redirect
                answer = self._hop(answer)
                continue
            step = self._next(answer)
            if isinstance(step, Session):
                return step
            if is_callback(step.url, self._redirect_uri):
                return f"{self._redirect_uri}?{urlencode(step.pairs)}"  # response_mode=form_post
            self._pairs = step.pairs
            answer = self._submit(step)
        return Session("ERROR_PAGE", f"no callback after {MOST_PAGES} pages")

    def _next(self, answer: Answer) -> forms.Submission | Session:
        if answer.status == 0:
            return Session("ERROR_PAGE", f"sign-in stopped: {answer.exchange.note}")
        found = forms.parse(answer.text())
        asks = forms.login(found)
        if asks and self._logged_in:
            return Session("LOGIN_FAILED", "the payer did not accept the user name and password")
        if asks:
            self._logged_in = True
            name = "" if self._named and not asks.asks_text else self._account.username
            return forms.fill(asks, answer.url, name, self._account.password)
        if answer.status >= 400:
            return Session("ERROR_PAGE", f"sign-in ended on a page with status {answer.status}")
        if not self._logged_in and not self._named and (first := forms.name_first(found)):
            self._named = True
            return forms.fill(first, answer.url, self._account.username)
        further = forms.onward(found)
        if further is None:
            where = "after the login" if self._logged_in else "before any login form"
            return Session("ERROR_PAGE", f"sign-in ended on a page of the payer {where}, not at the app")
        return forms.fill(further, answer.url)

    def _submit(self, step: forms.Submission) -> Answer:
        if step.method == "POST":
            return self._send("POST", step.url, list(step.pairs))
        return self._send("GET", f"{step.url.partition('#')[0].partition('?')[0]}?{urlencode(step.pairs)}")

    def _hop(self, answer: Answer) -> Answer:
        """A redirect on the way: 307 and 308 repeat the post, the others become a GET (RFC 9110 §15.4)."""
        again = answer.status in (307, 308) and answer.exchange.method == "POST"
        return (
            self._send("POST", answer.redirect, list(self._pairs))
            if again
            else self._send("GET", answer.redirect)
        )

    def _send(self, method: str, url: str, form: list[tuple[str, str]] | None = None) -> Answer:
        headers = {"Accept": "text/html,application/xhtml+xml"}
        answer = self._http.send(
            method, url, step="sign-in", reach="page", headers=headers, form=form, jar=self._jar
        )
        self.exchanges.append(answer.exchange)
        return answer
