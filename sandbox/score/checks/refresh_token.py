"""Refresh token: for how many days after the grant does it renew access?

With a clock, the last day it worked; when it still worked one day short of an edge and was refused one
day past it, the edge itself. Without a clock one renewal shows that it works, and the claim says for how
long. Without an account only the claim is left.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Source, Verdict, not_seen

NEEDS = ("refresh", "facts")


def judge(evidence: Evidence) -> Verdict:
    found, claim = evidence["refresh"], evidence.claim("refresh_max_days")
    if not found.seen:
        return _declared(evidence, claim, found.unseen)
    if not found.value["refresh"]:
        reason = "no refresh token came, although offline_access was asked"
        return _none(reason, claim, 1, found.source)
    steps = found.value["steps"]
    if not any(step["works"] for step in steps):
        return _none(f"refused at once: {steps[0]['why']}", claim, len(steps), found.source)
    if found.value["clock"]:
        return _measured(steps, claim, found.source)
    longest = max(step["day"] for step in steps if step["works"])
    if evidence.reads("A15", "observed-lower-bound"):
        reason = f"works {quantity(longest, 'day')} after the grant; longer was not seen"
        return Verdict("refresh-token", longest, found.source, reason, len(steps))
    if claim is None:
        reason = "works, for an unknown time (no clock)"
        return Verdict("refresh-token", "unknown_max", found.source, reason, len(steps))
    differs = (
        f"the payer says {quantity(claim, 'day')}, yet it still worked at {longest}"
        if longest > claim
        else ""
    )
    reason = f"works now; the payer says for {quantity(claim, 'day')}"
    return Verdict("refresh-token", claim, "declared", reason, len(steps), differs)


def _measured(steps: list[dict[str, Any]], claim: int | None, source: Source) -> Verdict:
    worked = [step["day"] for step in steps if step["works"]]
    last, refused = worked[-1], next((s for s in steps if not s["works"]), None)
    days = last
    if refused is None:
        reason = f"still works {quantity(last, 'day')} after the grant"
    else:
        if refused["day"] == last + 2:
            days = last + 1
        reason = (
            f"works {quantity(last, 'day')} after the grant, refused at {refused['day']}: {refused['why']}"
        )
    differs = _differs(claim, last, refused["day"] if refused else None)
    return Verdict("refresh-token", days, source, reason, len(steps), differs)


def _differs(claim: int | None, last: int, refused: int | None) -> str:
    if claim is None or (last <= claim and (refused is None or claim <= refused)):
        return ""
    measured = (
        f"it was refused {quantity(refused, 'day')} after the grant"
        if refused
        else f"it still worked at {last}"
    )
    return f"the payer says {quantity(claim, 'day')}, yet {measured}"


def _none(reason: str, claim: int | None, n: int, source: Source) -> Verdict:
    differs = f"the payer says {quantity(claim, 'day')}, yet there is no refreshing" if claim else ""
    return Verdict("refresh-token", "none", source, reason, n, differs)


def _declared(evidence: Evidence, claim: int | None, why: str) -> Verdict:
    accounts = evidence["facts"].seen and evidence["facts"].value["instruments"]["accounts"].get("eligible")
    if claim is None or accounts:
        return not_seen("refresh-token", why)
    if claim == 0:
        return Verdict("refresh-token", "none", "declared", "the payer says there is no refreshing")
    return Verdict(
        "refresh-token", claim, "declared", f"the payer says {quantity(claim, 'day')}; no account to try"
    )
