"""Inactive members: how long after coverage ended can a member still sign in and see what is theirs?

The value is the longest lapse that works: data are returned, and coverage ended as the roster says. 4000
days count as for ever. Claims decide only where no account was lent: null means for ever, and 0 means only
while covered.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.core.text import quantity
from sandbox.score import claims
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("lapsed", "facts")

FOR_EVER_DAYS = 4000
CLAIM = "inactive_access_days"


def judge(evidence: Evidence) -> Verdict:
    absurd = claims.days(evidence, CLAIM)[1]
    verdict = _judge(evidence)
    tried = evidence["lapsed"].value or {}
    contradicted = [entry["contradicts"] for entry in tried.values() if entry.get("contradicts")]
    return replace(verdict, disagreement=claims.differences(verdict.disagreement, absurd, *contradicted))


def _judge(evidence: Evidence) -> Verdict:
    lapsed = evidence["lapsed"]
    if not lapsed.seen:
        return _declared(evidence, lapsed.unseen)
    tried = {int(days): entry for days, entry in sorted(lapsed.value.items(), key=lambda item: int(item[0]))}
    longest = max((days for days, entry in tried.items() if entry["works"]), default=-1)
    refused = next((days for days in tried if days > longest), None)
    value: str | int = longest
    if longest < 0:
        shortest = min(tried)
        value = "not_available"
        reason = f"a member {quantity(shortest, 'day')} after coverage is refused: {tried[shortest]['why']}"
    elif longest >= FOR_EVER_DAYS:
        value = "indefinite"
        reason = f"a member {quantity(longest, 'day')} after coverage sees what is theirs"
    else:
        reason = f"works {quantity(longest, 'day')} after coverage"
        claim = _claim(evidence)
        if refused is not None:
            reason += f", not {refused}: {tried[refused]['why']}"
        elif _has_claim(evidence) and (claim is None or claim > longest):
            reason += f", the longest that could be tried; the payer says: {_duration(claim)}"
            value = "indefinite" if claim is None else claim
            return Verdict("inactive-members", value, "declared", reason, len(tried))
    differs = _differs(evidence, longest, refused)
    return Verdict("inactive-members", value, lapsed.source, reason, len(tried), differs)


def _claim(evidence: Evidence) -> int | None:
    """The days that the payer claims; None for a claim of "for ever", and where `_has_claim` is false."""
    return claims.days(evidence, CLAIM)[0]


def _has_claim(evidence: Evidence) -> bool:
    """Whether the payer makes a claim that it can mean."""
    return evidence.claims_about(CLAIM) and not claims.days(evidence, CLAIM)[1]


def _duration(claim: int | None) -> str:
    return "for ever" if claim is None else f"for {quantity(claim, 'day')}"


def _declared(evidence: Evidence, why: str) -> Verdict:
    accounts = evidence["facts"].value["instruments"]["accounts"] if evidence["facts"].seen else ()
    if not _has_claim(evidence) or any(role.startswith("lapsed-") for role in accounts):
        return not_seen("inactive-members", why)
    claim = _claim(evidence)
    value = "indefinite" if claim is None else claim or "not_available"
    reason = f"the payer says: {_duration(claim)}; no account to try"
    return Verdict("inactive-members", value, "declared", reason)


def _differs(evidence: Evidence, longest: int, refused: int | None) -> str:
    """How the claim differs from the longest lapse that works (-1: none), or from a refusal beyond it."""
    claim = _claim(evidence)
    if not _has_claim(evidence):
        return ""
    seen = ""
    if longest < 0:
        seen = "no lapsed member gets in" if claim != 0 else ""
    elif longest >= FOR_EVER_DAYS:
        is_less = claim is not None and claim < FOR_EVER_DAYS
        seen = f"{FOR_EVER_DAYS} days after coverage it still works" if is_less else ""
    elif claim is None:
        seen = f"a member {quantity(refused, 'day')} after coverage is refused" if refused else ""
    elif claim < longest or (refused is not None and claim >= refused):
        seen = f"the longest lapse that works is {quantity(longest, 'day')}"
    claimed = "for ever" if claim is None else quantity(claim, "day")
    return f"the payer says {claimed}, yet {seen}" if seen else ""
