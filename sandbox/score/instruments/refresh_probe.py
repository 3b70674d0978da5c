"""Measure how long a refresh token lasts: renew it now and, with a clock, after days and months.

The probe runs last and in a fresh payer, because it moves the clock. It always uses the newest token
(RFC 6749 §6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.collect.probes import Door
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.http.client import HttpClient
from sandbox.score.http.statuses import HICCUPS
from sandbox.score.instruments import lent_clock
from sandbox.score.instruments.clock_check import Aging
from sandbox.score.instruments.facts import Instruments
from sandbox.score.signin import tokens
from sandbox.score.signin.launch import LentAccount, SignInSession, sign_in
from sandbox.score.signin.tokens import ClientApp, Endpoints

EDGES = (90, 180, 365)
"""The rubric's edges, in days after the grant."""
DAYS = tuple(sorted({0, *range(25, 365, 25), *EDGES}))
"""Days after the grant on which access is renewed: often enough for tokens that end when they lie idle for
a month, and on each edge."""

MOST_SIGN_INS = 5


@dataclass(frozen=True)
class RefreshGrant:
    """A fresh grant: its session, token endpoint and clock (or why there is none).

    Of a fresh payer also its documents (`payer`) and the account (`username`).
    """

    session: SignInSession
    endpoints: Endpoints
    clock: str = ""
    no_clock: str = lent_clock.NONE
    payer: Discovery | None = None
    username: str = ""


def fresh_grant(
    door: Door, instruments: Instruments, accounts: Sequence[LentAccount]
) -> tuple[RefreshGrant | None, tuple[Exchange, ...]]:
    """Sign in at the fresh payer that the payer under test lends.

    The app, scope and driver are those that work at the payer under test (`door`). Several accounts are
    tried, since a sign-in may fail once.
    """
    exchanges: list[Exchange] = []
    name, base = instruments.open_payer()
    if not base:
        return None, ()
    payer = discover(door.http, base)
    exchanges += [*payer.capability.exchanges, *payer.smart.exchanges]
    # instruments name the endpoints of the payer under test, not of this one: they are no fallback
    endpoints = payer.endpoints(Instruments())
    if endpoints is None:
        return None, tuple(exchanges)
    for account in accounts[:MOST_SIGN_INS]:
        session = sign_in(
            door.http,
            endpoints,
            door.app,
            account,
            aud=base,
            scope=door.scopes.current,
            driver=door.driver,
        )
        exchanges += session.exchanges
        if session.usable:
            lent = (instruments.clock or "").replace("{session}", name)
            clock, why, clock_exchanges = lent_clock.find_clock(
                door.http, base, door.base, lent, own=lent != instruments.clock
            )
            grant = RefreshGrant(session, endpoints, clock, why, payer, account.username)
            return grant, (*exchanges, *clock_exchanges)
    return None, tuple(exchanges)


def probe(http: HttpClient, app: ClientApp, grant: RefreshGrant) -> Observation:
    """Renew at each of DAYS until the first refusal; without a clock that is believed, only at once.

    Value: `{"refresh": bool, "clock": bool, "no_clock": str, "steps": [{"day": n, "works": bool,
    "why": str}]}`; `no_clock` says why there was none.
    """
    exchanges: list[Exchange] = []
    steps: list[dict[str, object]] = []
    newest, today, no_clock = grant.session.refresh_token, 0, "" if grant.clock else grant.no_clock
    if not newest:
        return seen({"refresh": False, "clock": not no_clock, "no_clock": no_clock, "steps": []})
    aging: Aging | None = None
    response: dict[str, Any] = {}
    for day in DAYS:
        if day > today and not no_clock:
            first = None
            if aging is None and grant.payer is not None:
                aging = first = Aging(http, grant.clock, grant.payer.base, grant.session.patient, exchanges)
                first.before(response)
            no_clock, exchange = lent_clock.advance(http, grant.clock, day - today)
            exchanges.append(exchange)
            if first is not None and not no_clock:
                first.after(day - today)
        if day > today and no_clock:
            break
        today = day
        replies = renew(http, app, grant.endpoints, newest)
        exchanges += [reply.answer.exchange for reply in replies]
        reply = replies[-1]
        hiccup = f" (after a first answer {replies[0].answer.status})" if len(replies) > 1 else ""
        steps.append({"day": day, "works": reply.works, "why": "" if reply.works else reply.why() + hiccup})
        if not reply.works:
            break
        newest, response = reply.text("refresh_token") or newest, reply.body
    if aging is not None and not no_clock:
        no_clock = aging.doubt(refused=today > 0 and not steps[-1]["works"])
        steps = [step for step in steps if not no_clock or step["day"] == 0]
    value = {"refresh": True, "clock": not no_clock, "no_clock": no_clock, "steps": steps}
    return seen(value, exchanges)


def renew(http: HttpClient, app: ClientApp, endpoints: Endpoints, token: str) -> list[tokens.TokenReply]:
    """Renew, and once more after 5xx, 429 or no response, which is no refusal. Return the replies."""
    replies = [tokens.refresh(http, endpoints, app, token)]
    if replies[0].answer.status in HICCUPS:
        http.pause(0.5)
        replies.append(tokens.refresh(http, endpoints, app, token))
    return replies
