"""Observes the sign-ins that are counted: 39 eligible members and 1 ineligible."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.core.text import quantity
from sandbox.score.collect.target import TargetPayer
from sandbox.score.evidence import Observation, Reason, seen, unseen
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession

ENOUGH_UNWALKED = 5  # the first sign-ins, when none of them could be walked
MOST_REASONS = 5
MOST_SIGN_INS = 39  # with the ineligible member 40 attempts: one refusal leaves 97.5 %
NO_ELIGIBLE = Reason("there is no account of an eligible member", "no-eligible")
PERSON = Member(username="", password="")  # who signs in by hand needs no account

Sessions = list[tuple[Member, SignInSession]]


def sign_in_members(target: TargetPayer) -> Sessions:
    """Sign in the members whose attempts enter the rate, and return the sessions of the eligible."""
    observations, app = target.observations, target.app
    why = target.explain_no_sign_in()
    if app is None or why.text:
        observations["sign-ins"] = observations["ineligible-sign-in"] = unseen(why)
        return []
    if target.options.by_hand:
        target.progress("waiting for you to sign in")
        session = app.sign_in(PERSON)
        why = (
            Reason("a single sign-in by hand gives no rate", "sign-in-by-hand")
            if session.usable
            else Reason(f"nobody signed in: {session.reason}", "nobody-signed-in")
        )
        observations["sign-ins"] = observations["ineligible-sign-in"] = unseen(why, session.exchanges)
        return [(PERSON, session)]
    eligible = target.options.draw.choose_sign_ins(target.instruments.of_role("eligible"), MOST_SIGN_INS)
    sessions: Sessions = []
    for number, member in enumerate(eligible, 1):
        target.progress(f"sign-in {number} of {len(eligible)}")
        sessions.append((member, app.sign_in(member)))
        if number == ENOUGH_UNWALKED and not any(session.walked for _, session in sessions):
            break  # the others would come to the same page
    observations["sign-ins"] = _attempts(sessions) if sessions else unseen(NO_ELIGIBLE)
    refused: Sessions = []
    why = Reason("there is no account of an ineligible member", "not-tried")
    for member in target.instruments.of_role("ineligible")[:1]:
        target.progress("sign-in of the ineligible member")
        refused.append((member, app.sign_in(member)))
    observations["ineligible-sign-in"] = _attempts(refused) if refused else unseen(why)
    if unwalked := [(member, session) for member, session in sessions + refused if not session.walked]:
        observations["unwalked"] = _unwalked(unwalked)
    return sessions


def _unwalked(sessions: Sessions) -> Observation:
    """Return what stopped the grader. Value: `{"count", "reasons", "trace"}`, the trace of the first."""
    reasons = Counter(session.reason for _, session in sessions)
    value = {
        "count": len(sessions),
        "reasons": dict(reasons.most_common(MOST_REASONS)),
        "trace": [look.to_value() for look in sessions[0][1].looks],
    }
    return seen(value, [e for _, session in sessions for e in session.exchanges])


def _attempts(sessions: Sessions) -> Observation:
    """Value: a list of `{"who", "line", "outcome", "reason", "error", "description", "exchange"}`.

    There are no user names in it. `exchange` is the place of the attempt's last exchange. Sign-ins that the
    grader could not complete are left out.
    """
    roles: Counter[str] = Counter()
    value: list[dict[str, Any]] = []
    sent, walked = 0, [(member, session) for member, session in sessions if session.walked]
    if not walked:
        exchanges = [e for _, session in sessions for e in session.exchanges]
        return unseen(sessions[0][1].reason, exchanges, cause="sign-in-not-walked")
    for member, session in walked:
        roles[member.role] += 1
        sent += len(session.exchanges)
        value.append(
            {
                "who": f"{member.role} {roles[member.role]}",
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


def explain_no_member(target: TargetPayer, sessions: Sessions) -> Reason:
    """Return why there is nobody whose data can be read."""
    reason = sessions[0][1].reason if sessions else ""
    if sessions and not any(session.walked for _, session in sessions):
        return Reason(reason, "sign-in-not-walked")
    if sessions:
        why = f"none of {quantity(len(sessions), 'sign-in')} worked: {reason}"
        return Reason(why, "sign-in-failed")
    why_no_sign_in = target.explain_no_sign_in()
    return why_no_sign_in if why_no_sign_in.text else NO_ELIGIBLE
