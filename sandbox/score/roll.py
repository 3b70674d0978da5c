"""The roll: who signs in to be counted, and why nobody does. 39 eligible members and 1 ineligible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.score.client import Client
from sandbox.score.discovery import Discovery
from sandbox.score.evidence import Observation, seen, unseen
from sandbox.score.facts import Facts, Member
from sandbox.score.probes import Door
from sandbox.score.signin import Session
from sandbox.score.tokens import App

MOST_SIGN_INS = 39  # with the ineligible member 40 attempts: one refusal leaves 97.5 %
Progress = Callable[[str], None]
Observations = dict[str, Observation]


@dataclass(frozen=True)
class Given:
    """What the person who asked for the grade gave: a facts file, or a token (and its patient)."""

    facts: Facts | None = None
    token: str | None = None
    patient: str | None = None


def door_of(http: Client, described: Discovery, known: Facts) -> Door | None:
    lent = known.instruments
    endpoints = described.endpoints(lent)
    if endpoints is None or not lent.client_id or not lent.redirect_uri:
        return None
    app = App(lent.client_id, lent.redirect_uri, lent.client_secret)
    return Door(http, endpoints, app, described.base)


Sessions = list[tuple[Member, Session]]


def sign_ins(
    door: Door | None, known: Facts, given: Given, progress: Progress, found: Observations
) -> Sessions:
    """The 39 eligible and the 1 ineligible: the only attempts that enter the rate."""
    lent = known.instruments
    eligible, ineligible = lent.of_role("eligible")[:MOST_SIGN_INS], lent.of_role("ineligible")[:1]
    why = why_no_door(door, known, given)
    if door is None or why:
        found["sign-ins"] = found["ineligible-sign-in"] = unseen(why)
        return []
    sessions: Sessions = []
    for number, member in enumerate(eligible, 1):
        progress(f"sign-in {number} of {len(eligible)}")
        sessions.append((member, door.sign_in(member)))
    found["sign-ins"] = (
        _attempts(sessions) if sessions else unseen("no account of an eligible member was lent")
    )
    if ineligible:
        progress("sign-in of the ineligible member")
        refused = [(ineligible[0], door.sign_in(ineligible[0]))]
        found["ineligible-sign-in"] = _attempts(refused)
    else:
        found["ineligible-sign-in"] = unseen("no account of an ineligible member was lent")
    return sessions


def _attempts(sessions: Sessions) -> Observation:
    """Value: a list of `{"who", "line", "outcome", "reason", "error", "description"}`; no user names."""
    counted: dict[str, int] = {}
    value = []
    for member, session in sessions:
        counted[member.role] = counted.get(member.role, 0) + 1
        value.append(
            {
                "who": f"{member.role} {counted[member.role]}",
                "line": member.line,
                "outcome": session.outcome,
                "reason": session.reason,
                "error": session.error,
                "description": session.description[:200],
            }
        )
    return seen(value, [e for _, session in sessions for e in session.exchanges])


def why_no_door(door: Door | None, known: Facts, given: Given) -> str:
    if given.token:
        return "a token was given, so nobody signed in"
    if not known.instruments.members:
        return "no test accounts: the payer lends none and no facts file was given"
    return (
        "no authorization and token endpoint, client_id and redirect_uri to sign in with"
        if door is None
        else ""
    )


def nobody(sessions: Sessions, why_no_door: str) -> str:
    """Why there is nobody whose data to ask for."""
    if sessions:
        return f"none of {len(sessions)} sign-ins worked: {sessions[0][1].reason}"
    return why_no_door or "no account of an eligible member was lent"
