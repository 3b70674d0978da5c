"""The roll: who signs in to be counted, and why nobody does. 39 eligible members and 1 ineligible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.core.text import quantity
from sandbox.score.collect.discovery import Discovery
from sandbox.score.collect.machine_load import Machine
from sandbox.score.collect.probes import Door
from sandbox.score.collect.sample import Draw
from sandbox.score.evidence import Observation, Reason, seen, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member, PayerFacts
from sandbox.score.signin.launch import Driver, SignInSession
from sandbox.score.signin.registration import register
from sandbox.score.signin.scopes import Scopes
from sandbox.score.signin.tokens import ClientApp

REDIRECT = "http://127.0.0.1/callback"  # never asked for: it only marks the end of a sign-in
ENOUGH_UNWALKED = 5  # the first sign-ins, when none of them could be walked
MOST_REASONS = 5
MOST_SIGN_INS = 39  # with the ineligible member 40 attempts: one refusal leaves 97.5 %
Progress = Callable[[str], None]
Observations = dict[str, Observation]


@dataclass(frozen=True)
class Given:
    """What the person who asked for the grade gave: facts, a token, a client, a way to sign in.

    `by_hand`: the driver asks a person, so there is one sign-in and no rate. `register`: make a client
    when there is none. `every_type`: search all types, whatever metadata says (reading A9). `intrusive`:
    use accounts and clocks that a host abroad lends by itself; `held_back`: it did, and nobody asked for it.
    `probes`: try the locks; `auth_method` and `scope` go before what the payer lists; `draw`: who of the lent
    members signs in and is synced.
    """

    facts: PayerFacts | None = None
    token: str | None = None
    patient: str | None = None
    client: ClientApp | None = None
    driver: Driver | None = None
    by_hand: bool = False
    register: bool = False
    every_type: bool = False
    machine: Machine = field(default_factory=Machine)
    intrusive: bool = False
    held_back: bool = False
    probes: bool = True
    auth_method: str = ""
    scope: str = ""
    draw: Draw = field(default_factory=lambda: Draw(0))


def door_of(
    http: HttpClient, described: Discovery, known: PayerFacts, given: Given, found: Observations
) -> Door | None:
    """The way in: the client that was given, else the one that is lent, else a new one if asked for."""
    lent = known.instruments
    endpoints = described.endpoints(lent)
    app = given.client if given.client and given.client.client_id else None
    redirect = (given.client.redirect_uri if given.client else "") or lent.redirect_uri or REDIRECT
    if app is not None:
        app = replace(app, redirect_uri=redirect)
    elif lent.client_id:
        app = ClientApp(lent.client_id, redirect, lent.client_secret, lent.key)
    elif given.register and endpoints is not None:
        app, found["registration"] = register(http, described.registration, redirect)
    if endpoints is None or app is None:
        return None
    app = replace(app, auth_method=given.auth_method)
    scopes = Scopes(endpoints.scopes_supported, endpoints.capabilities, given.scope)
    return Door(http, endpoints, app, described.base, given.driver, scopes)


Sessions = list[tuple[Member, SignInSession]]


def sign_ins(
    door: Door | None, known: PayerFacts, given: Given, progress: Progress, found: Observations
) -> Sessions:
    """The 39 eligible and the 1 ineligible: the only attempts that enter the rate."""
    lent = known.instruments
    eligible = given.draw.roll(lent.of_role("eligible"), MOST_SIGN_INS)
    ineligible = lent.of_role("ineligible")[:1]
    why = why_no_door(door, known, given, found)
    if door is None or why.text:
        found["sign-ins"] = found["ineligible-sign-in"] = unseen(why)
        return []
    if given.by_hand:
        progress("waiting for you to sign in")
        session = door.sign_in(Member(username="", password=""))
        why = (
            Reason("one sign-in by hand is no rate", "sign-in-by-hand")
            if session.usable
            else Reason(f"nobody signed in: {session.reason}", "nobody-signed-in")
        )
        found["sign-ins"] = found["ineligible-sign-in"] = unseen(why, session.exchanges)
        return [(Member(username="", password=""), session)]
    sessions: Sessions = []
    for number, member in enumerate(eligible, 1):
        progress(f"sign-in {number} of {len(eligible)}")
        sessions.append((member, door.sign_in(member)))
        if number == ENOUGH_UNWALKED and not any(session.walked for _, session in sessions):
            break  # the others would come to the same page
    found["sign-ins"] = _attempts(sessions) if sessions else unseen(NO_ELIGIBLE)
    if ineligible:
        progress("sign-in of the ineligible member")
        refused = [(ineligible[0], door.sign_in(ineligible[0]))]
        found["ineligible-sign-in"] = _attempts(refused)
    else:
        refused = []
        found["ineligible-sign-in"] = unseen("no account of an ineligible member was lent", cause="not-tried")
    if unwalked := [entry for entry in [*sessions, *refused] if not entry[1].walked]:
        found["unwalked"] = _unwalked(unwalked)
    return sessions


def _unwalked(sessions: Sessions) -> Observation:
    """Sign-ins that tell nothing of the payer. Value: `{"count", "reasons", "trace"}`; the first's trace."""
    reasons = Counter(session.reason for _, session in sessions)
    value = {
        "count": len(sessions),
        "reasons": dict(reasons.most_common(MOST_REASONS)),
        "trace": [look.to_value() for look in sessions[0][1].looks],
    }
    return seen(value, [e for _, session in sessions for e in session.exchanges])


def _attempts(sessions: Sessions) -> Observation:
    """Value: a list of `{"who", "line", "outcome", "reason", "error", "description", "exchange"}`; no user
    names. `exchange` is the place of the attempt's last exchange. What could not be walked is not in it."""
    counted: dict[str, int] = {}
    value: list[dict[str, Any]] = []
    sent, walked = 0, [(member, session) for member, session in sessions if session.walked]
    if not walked:
        exchanges = [e for _, session in sessions for e in session.exchanges]
        return unseen(sessions[0][1].reason, exchanges, cause="sign-in-not-walked")
    for member, session in walked:
        counted[member.role] = counted.get(member.role, 0) + 1
        sent += len(session.exchanges)
        value.append(
            {
                "who": f"{member.role} {counted[member.role]}",
                "line": member.line,
                "outcome": session.outcome,
                "reason": session.reason,
                "error": session.error,
                "description": session.description[:200],
                "error_uri": session.error_uri[:200],
                "exchange": sent - 1 if session.exchanges else None,
            }
        )
    return seen(value, [e for _, session in walked for e in session.exchanges])


NO_ELIGIBLE = Reason("no account of an eligible member was lent", "no-eligible")


def why_no_door(door: Door | None, known: PayerFacts, given: Given, found: Observations) -> Reason:
    """Why nobody can sign in; without words when somebody can."""
    if given.token:
        return Reason("a token was given, so nobody signed in", "token-given")
    if given.held_back and not given.by_hand:
        why = "the payer lends accounts of its own; on a host abroad they are used only with --intrusive"
        return Reason(why, "held-back")
    if not known.instruments.members and not given.by_hand:
        return Reason("no test accounts: the payer lends none and no facts file was given", "no-accounts")
    if door is not None:
        return Reason("")
    registered = found.get("registration")
    if registered is not None and not registered.seen:
        return Reason(registered.unseen, registered.cause)
    why = "no authorization and token endpoint, client_id and redirect_uri to sign in with"
    return Reason(why, "no-client" if known.instruments.token_endpoint else "no-endpoints")


def nobody(sessions: Sessions, why_no_door: Reason) -> Reason:
    """Why there is nobody whose data to ask for."""
    if sessions and not any(session.walked for _, session in sessions):
        return Reason(sessions[0][1].reason, "sign-in-not-walked")
    if sessions:
        why = f"none of {quantity(len(sessions), 'sign-in')} worked: {sessions[0][1].reason}"
        return Reason(why, "sign-in-failed")
    return why_no_door if why_no_door.text else NO_ELIGIBLE
