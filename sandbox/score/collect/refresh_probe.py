"""Measures how long a refresh token lasts: renews it now and, with a clock, after days and months.

It runs last and in a fresh payer (see `fresh_payer`), because it moves the clock: no other tenant may be
touched. The newest token is always the one used (RFC 6749 §6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.http.statuses import TEMPORARY_FAILURES
from sandbox.score.instruments import lent_clock
from sandbox.score.instruments.clock_check import Aging
from sandbox.score.instruments.facts import Instruments, Member
from sandbox.score.signin.launch import Driver, SignInSession, SmartApp
from sandbox.score.signin.tokens import TokenReply

EDGES = (90, 180, 365)
"""The rubric's edges, in days after the grant."""
DAYS = tuple(sorted({0, *range(25, 365, 25), *EDGES}))
"""Days after the grant on which access is renewed: often enough for tokens that end when they lie idle for
a month, and on each edge."""

MOST_SIGN_INS = 5


@dataclass(frozen=True)
class RefreshGrant:
    """A fresh grant: its session, its app, and the URL of its clock (or none, and why not).

    Of a fresh payer also its documents, and the user name.
    """

    session: SignInSession
    app: SmartApp
    clock: str = ""
    no_clock: str = lent_clock.NONE
    payer: Discovery | None = None
    username: str = ""


def fresh_grant(
    app: SmartApp, instruments: Instruments, members: Sequence[Member], driver: Driver | None
) -> tuple[RefreshGrant | None, list[Exchange]]:
    """Sign in at a fresh payer that the payer of `app` lends.

    Several accounts are tried, since a sign-in may fail by chance.
    """
    name, base = instruments.open_payer()
    if not base:
        return None, []
    payer = discover(app.http, base)
    exchanges = [*payer.capability.exchanges, *payer.smart.exchanges]
    # instruments name the endpoints of the payer under test, not of this one: they are no fallback
    endpoints = payer.endpoints(Instruments())
    if endpoints is None:
        return None, exchanges
    for member in members[:MOST_SIGN_INS]:
        scopes = endpoints.scopes(app.scopes.current)  # those that work at the payer under test
        fresh = replace(app, endpoints=endpoints, base=base, scopes=scopes, driver=driver)
        session = fresh.sign_in(member)
        exchanges += session.exchanges
        if session.usable:
            lent = (instruments.clock or "").replace("{session}", name)
            is_own = lent != instruments.clock
            clock, why, reads = lent_clock.find_clock(app.http, base, app.base, lent, own=is_own)
            return RefreshGrant(session, fresh, clock, why, payer, member.username), [*exchanges, *reads]
    return None, exchanges


def probe(grant: RefreshGrant) -> Observation:
    """Renew at each of DAYS until the first refusal; without a clock that can be trusted, only at once.

    Value: `{"refresh": bool, "clock": bool, "no_clock": str, "steps": [{"day": n, "works": bool,
    "why": str}]}`; `no_clock` says why there was none.
    """
    http = grant.app.http
    exchanges: list[Exchange] = []
    steps: list[dict[str, object]] = []
    newest, today, no_clock = grant.session.refresh_token, 0, "" if grant.clock else grant.no_clock
    if not newest:
        return seen({"refresh": False, "clock": not no_clock, "no_clock": no_clock, "steps": []})
    aging: Aging | None = None
    response: dict[str, Any] = {}
    for day in DAYS:
        if day > today and not no_clock:
            started = None
            if aging is None and grant.payer is not None:
                aging = started = Aging(http, grant.clock, grant.payer.base, grant.session.patient, exchanges)
                started.before(response)
            no_clock, exchange = lent_clock.advance(http, grant.clock, day - today)
            exchanges.append(exchange)
            if started is not None and not no_clock:
                started.after(day - today)
        if day > today and no_clock:
            break
        today = day
        first, *others = _renew(grant.app, newest)
        exchanges += [reply.answer.exchange for reply in (first, *others)]
        reply = others[-1] if others else first
        more = f" (after a first answer {first.answer.status})" if others else ""
        steps.append({"day": day, "works": reply.works, "why": "" if reply.works else reply.why() + more})
        if not reply.works:
            break
        newest, response = reply.text("refresh_token") or newest, reply.body
    if aging is not None and not no_clock:
        no_clock = aging.doubt(refused=today > 0 and not steps[-1]["works"])
        steps = [step for step in steps if not no_clock or step["day"] == 0]
    value = {"refresh": True, "clock": not no_clock, "no_clock": no_clock, "steps": steps}
    return seen(value, exchanges)


def _renew(app: SmartApp, token: str) -> list[TokenReply]:
    """Renew once. A temporary failure (5xx, 429, no answer) is tried again once; the last reply decides."""
    replies = [app.refresh(token)]
    if replies[0].answer.status in TEMPORARY_FAILURES:
        app.http.pause(0.5)
        replies.append(app.refresh(token))
    return replies
