"""How long a refresh token lasts: renew it now and, where there is a clock, after days and months.

Runs last and in a payer of its own (`fresh_payer`), because it moves the clock: nobody else's tenant
may be touched. The newest token is always the one used (RFC 6749 §6).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.score import tokens
from sandbox.score.client import Client
from sandbox.score.discovery import discover
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.facts import Instruments
from sandbox.score.signin import Account, Session, sign_in
from sandbox.score.tokens import App, Endpoints

DAYS = (0, 89, 91, 179, 181, 364, 366)
"""Days after the grant: one day either side of the rubric's edges at 90, 180 and 365 days."""

MOST_SIGN_INS = 5
HICCUPS = (0, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Grant:
    """A fresh grant to try: its session, where its tokens are renewed, and its clock's URL (or none)."""

    session: Session
    endpoints: Endpoints
    clock: str = ""


def fresh_grant(
    http: Client, instruments: Instruments, app: App, accounts: Sequence[Account]
) -> tuple[Grant | None, tuple[Exchange, ...]]:
    """Sign in at a payer of our own. Several accounts are tried: a sign-in may fail by accident."""
    exchanges: list[Exchange] = []
    if "{session}" not in (instruments.fresh_payer or ""):
        return None, ()  # not one of our own: its clock is not ours to move
    base = str(instruments.fresh_payer).replace("{session}", f"grade-{secrets.token_hex(6)}").rstrip("/")
    found = discover(http, base)
    exchanges += [*found.capability.exchanges, *found.smart.exchanges]
    # instruments name the endpoints of the payer under test, not of this one: they are no fallback
    endpoints = found.endpoints(Instruments())
    if endpoints is None:
        return None, tuple(exchanges)
    for account in accounts[:MOST_SIGN_INS]:
        session = sign_in(http, endpoints, app, account, aud=base)
        exchanges += session.exchanges
        if session.usable:
            return Grant(session, endpoints, _clock_of(base, instruments)), tuple(exchanges)
    return None, tuple(exchanges)


def probe(http: Client, app: App, grant: Grant) -> Observation:
    """Renew at each of DAYS until the first refusal; without a clock only at once.

    Value: `{"refresh": bool, "clock": bool, "steps": [{"day": n, "works": bool, "why": str}]}`.
    """
    exchanges: list[Exchange] = []
    steps: list[dict[str, object]] = []
    newest, today, moved = grant.session.refresh_token, 0, bool(grant.clock)
    if not newest:
        return seen({"refresh": False, "clock": moved, "steps": []})
    for day in DAYS:
        if day > today:
            if not (moved and _advance(http, grant.clock, day - today, exchanges)):
                moved = False
                break
            today = day
        reply, hiccup = _renew(http, app, grant.endpoints, newest, exchanges)
        steps.append({"day": day, "works": reply.works, "why": "" if reply.works else reply.why() + hiccup})
        if not reply.works:
            break
        newest = reply.text("refresh_token") or newest
    return seen({"refresh": True, "clock": moved, "steps": steps}, exchanges)


def _renew(
    http: Client, app: App, endpoints: Endpoints, token: str, exchanges: list[Exchange]
) -> tuple[tokens.TokenReply, str]:
    """One renewal, and a word on a hiccup (5xx, 429, no answer): no refusal, it is tried again once."""
    reply = tokens.refresh(http, endpoints, app, token)
    exchanges.append(reply.answer.exchange)
    if reply.answer.status not in HICCUPS:
        return reply, ""
    hiccup = f" (after a first answer {reply.answer.status})"
    http.pause(0.5)
    reply = tokens.refresh(http, endpoints, app, token)
    exchanges.append(reply.answer.exchange)
    return reply, hiccup


def _clock_of(base: str, instruments: Instruments) -> str:
    """The fresh payer's own clock stands beside its FHIR base, if the payer lends a clock at all."""
    if not instruments.clock or not base.endswith("/fhir"):
        return ""
    return base.removesuffix("/fhir") + "/_sandbox/clock"


def _advance(http: Client, url: str, days: int, exchanges: list[Exchange]) -> bool:
    answer = http.send("POST", url, step="clock", json={"advance": f"P{days}D"})
    exchanges.append(answer.exchange)
    return 200 <= answer.status < 300
