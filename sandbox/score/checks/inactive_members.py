"""Inactive members: how long after coverage ended can a member still sign in and see what is theirs?

The longest lapse that works: something of theirs is shown, and their coverage ended as the roster says. 4000
days count as for ever. Claims decide only where no account was lent: there null means for ever and 0 means
only while covered.
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


def _claim(evidence: Evidence) -> tuple[bool, int | None]:
    """Whether the payer makes a claim that it can mean, and for how many days (None: for ever)."""
    claim, absurd = claims.days(evidence, CLAIM)
    return evidence.claims_about(CLAIM) and not absurd, claim


def _judge(evidence: Evidence) -> Verdict:
    lapsed = evidence["lapsed"]
    if not lapsed.seen:
        return _declared(evidence, lapsed.unseen)
    tried = {int(days): entry for days, entry in lapsed.value.items()}
    works = [days for days, entry in tried.items() if entry["works"]]
    if not works:
        shortest = min(tried)
        reason = f"a member {quantity(shortest, 'day')} after coverage is refused: {tried[shortest]['why']}"
        return Verdict(
            "inactive-members", "not_available", lapsed.source, reason, len(tried), _none(evidence)
        )
    longest = max(works)
    if longest >= FOR_EVER_DAYS:
        reason = f"a member {quantity(longest, 'day')} after coverage sees what is theirs"
        return Verdict("inactive-members", "indefinite", lapsed.source, reason, len(tried), _less(evidence))
    beyond = [days for days in sorted(tried) if days > longest]
    if not beyond and (further := _claimed_further(evidence, longest, len(tried))):
        return further
    reason = f"works {quantity(longest, 'day')} after coverage"
    if beyond:
        reason += f", not {beyond[0]}: {tried[beyond[0]]['why']}"
    differs = _differs(evidence, longest, beyond[0] if beyond else None)
    return Verdict("inactive-members", longest, lapsed.source, reason, len(tried), differs)


def _declared(evidence: Evidence, why: str) -> Verdict:
    is_claimed, claim = _claim(evidence)
    if not is_claimed or _lent(evidence):
        return not_seen("inactive-members", why)
    value = "indefinite" if claim is None else claim or "not_available"
    duration = "for ever" if claim is None else f"for {quantity(claim, 'day')}"
    return Verdict("inactive-members", value, "declared", f"the payer says: {duration}; no account to try")


def _claimed_further(evidence: Evidence, longest: int, n: int) -> Verdict | None:
    """All that could be tried works, and the claim goes beyond: no account at hand contradicts it."""
    is_claimed, claim = _claim(evidence)
    if not is_claimed or (claim is not None and claim <= longest):
        return None
    duration = "for ever" if claim is None else f"for {quantity(claim, 'day')}"
    reason = f"works {quantity(longest, 'day')} after coverage, the longest that could be tried;"
    reason += f" the payer says: {duration}"
    return Verdict("inactive-members", "indefinite" if claim is None else claim, "declared", reason, n)


def _lent(evidence: Evidence) -> bool:
    accounts = evidence["facts"].value["instruments"]["accounts"]
    return any(role.startswith("lapsed-") for role in accounts)


def _none(evidence: Evidence) -> str:
    is_claimed, claim = _claim(evidence)
    if not is_claimed or claim == 0:
        return ""
    duration = "for ever" if claim is None else quantity(claim, "day")
    return f"the payer says {duration}, yet no lapsed member gets in"


def _less(evidence: Evidence) -> str:
    is_claimed, claim = _claim(evidence)
    if not is_claimed or claim is None or claim >= FOR_EVER_DAYS:
        return ""
    return f"the payer says {quantity(claim, 'day')}, yet {FOR_EVER_DAYS} days after coverage it still works"


def _differs(evidence: Evidence, longest: int, refused: int | None) -> str:
    is_claimed, claim = _claim(evidence)
    if not is_claimed:
        return ""
    if claim is None:
        return (
            f"the payer says for ever, yet a member {quantity(refused, 'day')} after coverage is refused"
            if refused
            else ""
        )
    if claim < longest or (refused is not None and claim >= refused):
        works = quantity(longest, "day")
        return f"the payer says {quantity(claim, 'day')}, yet the longest lapse that works is {works}"
    return ""
