"""Inactive members: how long after coverage ended can a member still sign in and see what is theirs?

The value is the longest lapse that works: data are returned, and coverage ended as the roster says. 4000
days count as for ever. Claims decide only where no account was lent: null means for ever, and 0 means only
while covered.
"""

from __future__ import annotations

import math
from dataclasses import replace

from sandbox.core.text import quantity
from sandbox.score import claims
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("lapsed", "facts")

FOR_EVER, FOR_EVER_DAYS = math.inf, 4000
CLAIM = "inactive_access_days"


def judge(evidence: Evidence) -> Verdict:
    days, absurd = claims.days(evidence, CLAIM)
    has_claim = evidence.claims_about(CLAIM) and not absurd
    verdict = _judge(evidence, (FOR_EVER if days is None else days) if has_claim else None)
    tried = evidence["lapsed"].value or {}
    contradicted = [entry["contradicts"] for entry in tried.values() if entry.get("contradicts")]
    differences = filter(None, (verdict.disagreement, absurd, *contradicted))
    return replace(verdict, disagreement="; ".join(differences))


def _judge(evidence: Evidence, claim: float | None) -> Verdict:
    """`claim` is the number of days that the payer claims, FOR_EVER, or None when it claims nothing."""
    lapsed = evidence["lapsed"]
    if not lapsed.seen:
        return _declared(evidence, claim, lapsed.unseen)
    tried = {int(days): entry for days, entry in sorted(lapsed.value.items(), key=lambda item: int(item[0]))}
    longest = max((days for days, entry in tried.items() if entry["works"]), default=-1)
    refused = next((days for days in tried if days > longest), None)
    value: str | float = longest
    if longest < 0:
        shortest = min(tried)
        value = "not_available"
        reason = f"no access {quantity(shortest, 'day')} after coverage ended: {tried[shortest]['why']}"
    elif longest >= FOR_EVER_DAYS:
        value = "indefinite"
        reason = f"access works {quantity(longest, 'day')} after coverage ended"
    else:
        reason = f"access works {quantity(longest, 'day')} after coverage ended"
        if refused is not None:
            reason += f", but not after {refused}: {tried[refused]['why']}"
        elif claim is not None and claim > longest:
            reason += f", the longest time with a test account; the payer says {_duration(claim)}"
            value = "indefinite" if claim == FOR_EVER else claim
            return Verdict("inactive-members", value, "declared", reason, len(tried))
    differs = "" if claim is None else _differs(claim, longest, refused)
    return Verdict("inactive-members", value, lapsed.source, reason, len(tried), differs)


def _duration(claim: float) -> str:
    return "indefinitely" if claim == FOR_EVER else f"for {quantity(int(claim), 'day')}"


def _declared(evidence: Evidence, claim: float | None, why: str) -> Verdict:
    accounts = evidence["facts"].value["instruments"]["accounts"] if evidence["facts"].seen else ()
    if claim is None or any(role.startswith("lapsed-") for role in accounts):
        return not_seen("inactive-members", why)
    value = "indefinite" if claim == FOR_EVER else claim or "not_available"
    reason = f"the payer says {_duration(claim)}; there is no account to test it"
    return Verdict("inactive-members", value, "declared", reason)


def _differs(claim: float, longest: int, refused: int | None) -> str:
    """How the claim differs from the longest lapse that works (-1: none), or from a refusal beyond it."""
    seen = ""
    if longest < 0:
        seen = "no former member can connect" if claim != 0 else ""
    elif longest >= FOR_EVER_DAYS:
        is_less = claim < FOR_EVER_DAYS
        seen = f"access still works {FOR_EVER_DAYS} days after coverage ended" if is_less else ""
    elif claim == FOR_EVER:
        seen = f"there is no access {quantity(refused, 'day')} after coverage ended" if refused else ""
    elif claim < longest or (refused is not None and claim >= refused):
        seen = f"access works at most {quantity(longest, 'day')} after coverage ended"
    claimed = "indefinitely" if claim == FOR_EVER else quantity(int(claim), "day")
    return f"the payer says {claimed}, but {seen}" if seen else ""
