"""Tries sign-ins that must fail: with a wrong password, and with codes redeemed as a thief would."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession, SmartApp
from sandbox.score.signin.tokens import TokenReply
from sandbox.score.trust.locks.lock import Tried

UNREGISTERED = "https://not-registered.invalid/callback"
"""An address that no client has registered: nobody can own a name below `.invalid` (RFC 2606)."""

Attack = Callable[[str, str], Sequence[TokenReply]]
"""Redeems a code, with its verifier, in a way that must fail; the last reply decides."""


def wrong_verifier(app: SmartApp, member: Member) -> Tried:
    another = secrets.token_urlsafe(48)
    app.http.secrets.add(another)
    why = "the token endpoint returned a token for a code with a wrong code_verifier"
    return _try_code("breach-verifier", app, member, lambda code, _: [app.redeem(code, another)], why)


def other_redirect_uri(app: SmartApp, member: Member) -> Tried:
    moved = _move(app, f"{app.client.redirect_uri}/elsewhere")
    why = "the token endpoint returned a token for a code with another redirect_uri"
    return _try_code("breach-redirect-uri", app, member, lambda *code: [moved.redeem(*code)], why)


def unregistered_redirect_uri(app: SmartApp, member: Member) -> Tried:
    """Try a sign-in that ends at an address that is not registered; it is never requested."""
    rule = "breach-unregistered-redirect"
    if app.driver is not None:
        return Tried(rule, None, "a sign-in in a browser ends at one address")
    why = "the payer sent a code to a redirect_uri that the client has not registered"
    return _expect_no_code(rule, _move(app, UNREGISTERED), member, why)


def code_twice(app: SmartApp, member: Member) -> Tried:
    why = "the token endpoint returned a token for the same code a second time"
    return _try_code(
        "breach-code-twice", app, member, lambda *code: [app.redeem(*code), app.redeem(*code)], why
    )


def any_password(app: SmartApp, member: Member) -> Tried:
    """Try a wrong password once; whoever gets a code has signed in."""
    rule = "breach-any-password"
    if not member.password:
        return Tried(rule, None, "the account has no password")
    wrong = member.model_copy(update={"password": f"not-{member.password}"})
    return _expect_no_code(rule, app, wrong, "an eligible member could sign in with a wrong password")


def _move(app: SmartApp, redirect_uri: str) -> SmartApp:
    return replace(app, client=replace(app.client, redirect_uri=redirect_uri))


def _sign_in(app: SmartApp, member: Member, attack: Attack) -> tuple[SignInSession, list[TokenReply]]:
    """Sign in. Return the session, and every reply of the token endpoint to a code."""
    replies: list[TokenReply] = []

    def redeem(code: str, verifier: str) -> TokenReply:
        replies.extend(attack(code, verifier))
        return replies[-1]

    return app.sign_in(member, redeem), replies


def _expect_no_code(rule: str, app: SmartApp, member: Member, why: str) -> Tried:
    """Try a sign-in that must not give a code. It held if the payer answered without one."""
    session, replies = _sign_in(app, member, lambda *code: [app.redeem(*code)])
    if replies:
        return Tried(rule, False, why, session.exchanges)
    has_answer = bool(session.exchanges) and session.exchanges[-1].status > 0
    return Tried(rule, True if has_answer else None, session.reason, session.exchanges)


def _try_code(rule: str, app: SmartApp, member: Member, attack: Attack, why: str) -> Tried:
    session, replies = _sign_in(app, member, attack)
    if not replies:
        return Tried(rule, None, f"the sign-in returned no code: {session.reason}", session.exchanges)
    if len(replies) > 1 and not replies[0].works:
        return Tried(rule, None, f"the code did not work even once: {replies[0].why()}", session.exchanges)
    broken = replies[-1].works
    return Tried(rule, not broken, why if broken else "", session.exchanges)
