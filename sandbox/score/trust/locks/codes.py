"""Sign-ins that are bent on purpose: a wrong password, and codes redeemed as only a thief would."""

from __future__ import annotations

import secrets
from dataclasses import replace

from sandbox.score.collect.probes import Door
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member
from sandbox.score.signin import tokens
from sandbox.score.signin.launch import SignInSession
from sandbox.score.signin.tokens import ClientApp, Endpoints, TokenReply
from sandbox.score.trust.locks.lock import Tried

UNREGISTERED = "https://not-registered.invalid/callback"
"""Where no client is registered: nobody can own a name below `.invalid` (RFC 2606)."""


class _Bent:
    """Redeems a code in a way that must fail, and remembers what came of it."""

    def __init__(self) -> None:
        self.replies: list[TokenReply] = []

    def __call__(
        self, http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str
    ) -> TokenReply:
        self.replies.append(self.bend(http, endpoints, app, code, verifier))
        return self.replies[-1]

    def bend(
        self, http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str
    ) -> TokenReply:
        return tokens.redeem(http, endpoints, app, code, verifier)


class _WrongVerifier(_Bent):
    def bend(
        self, http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str
    ) -> TokenReply:
        another = secrets.token_urlsafe(48)
        http.secrets.add(another)
        return tokens.redeem(http, endpoints, app, code, another)


class _Elsewhere(_Bent):
    def bend(
        self, http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str
    ) -> TokenReply:
        moved = replace(app, redirect_uri=f"{app.redirect_uri}/elsewhere")
        return tokens.redeem(http, endpoints, moved, code, verifier)


class _Twice(_Bent):
    def bend(
        self, http: HttpClient, endpoints: Endpoints, app: ClientApp, code: str, verifier: str
    ) -> TokenReply:
        self.replies.append(tokens.redeem(http, endpoints, app, code, verifier))
        return tokens.redeem(http, endpoints, app, code, verifier)


def wrong_verifier(door: Door, member: Member) -> Tried:
    why = "the token endpoint gave a token for a code with another verifier than the one it was asked with"
    return _redeemed("breach-verifier", door, member, _WrongVerifier(), why)


def other_redirect_uri(door: Door, member: Member) -> Tried:
    why = "the token endpoint gave a token for a code with another redirect_uri"
    return _redeemed("breach-redirect-uri", door, member, _Elsewhere(), why)


def unregistered_redirect_uri(door: Door, member: Member) -> Tried:
    """A sign-in that is to end where the client has not registered; the address is never asked for."""
    rule = "breach-unregistered-redirect"
    if door.driver is not None:
        return Tried(rule, None, "a browser's sign-in ends at one address")
    moved, bent = replace(door.app, redirect_uri=UNREGISTERED), _Bent()
    session = replace(door, app=moved).sign_in(member, bent)
    why = "a code was sent to a redirect_uri that the client has not registered"
    return _no_code(rule, session, bent, why)


def code_twice(door: Door, member: Member) -> Tried:
    return _redeemed("breach-code-twice", door, member, _Twice(), "the same code gave a token a second time")


def any_password(door: Door, member: Member) -> Tried:
    """One attempt with a wrong password; whoever reaches a code has signed in."""
    rule = "breach-any-password"
    if not member.password:
        return Tried(rule, None, "the account has no password")
    bent = _Bent()
    wrong = member.model_copy(update={"password": f"not-{member.password}"})
    session = door.sign_in(wrong, bent)
    return _no_code(rule, session, bent, "an eligible member was signed in with a wrong password")


def _no_code(rule: str, session: SignInSession, bent: _Bent, why: str) -> Tried:
    """A sign-in that must not come to a code. Held, where the payer answered and no code came."""
    if bent.replies:
        return Tried(rule, False, why, session.exchanges)
    told = bool(session.exchanges) and session.exchanges[-1].status > 0
    return Tried(rule, True if told else None, session.reason, session.exchanges)


def _redeemed(rule: str, door: Door, member: Member, bent: _Bent, why: str) -> Tried:
    session = door.sign_in(member, bent)
    if not bent.replies:
        return Tried(rule, None, f"no code came: {session.reason}", session.exchanges)
    if len(bent.replies) > 1 and not bent.replies[0].works:
        return Tried(rule, None, f"the code did not work once: {bent.replies[0].why()}", session.exchanges)
    broken = bent.replies[-1].works
    return Tried(rule, not broken, why if broken else "", session.exchanges)
