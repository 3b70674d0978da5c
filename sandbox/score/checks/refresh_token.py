"""Refresh token: for how many days after the grant does it renew access?

With a clock, the value is the last day on which it worked. Without a clock, one renewal shows that it works
and the claim says for how long: an observed renewal is a lower bound that beats a shorter claim, and a
refusal beats a longer one. Without an account only the claim counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.core.text import quantity
from sandbox.score import claims
from sandbox.score.evidence import Evidence, Source, Verdict, not_seen

NEEDS = ("refresh", "facts")

LEAST_BOUND = 90
"""Days from which a lower bound alone says more than that it works."""


def judge(evidence: Evidence) -> Verdict:
    claim, absurd = claims.days(evidence, "refresh_max_days")
    verdict = _judge(evidence, claim)
    return replace(verdict, disagreement="; ".join(filter(None, (verdict.disagreement, absurd))))


def _judge(evidence: Evidence, claim: int | None) -> Verdict:
    refresh = evidence["refresh"]
    if not refresh.seen:
        return _declared(evidence, claim, refresh.unseen)
    if not refresh.value["refresh"]:
        reason = "the token response had no refresh token, although the app requested offline_access"
        return _none(reason, claim, 1, refresh.source)
    steps = refresh.value["steps"]
    if not any(step["works"] for step in steps):
        return _none(f"the first refresh was refused: {steps[0]['why']}", claim, len(steps), refresh.source)
    if refresh.value["clock"]:
        return _measured(steps, claim, refresh.source)
    why = refresh.value.get("no_clock") or "no clock"
    return _bounded(steps, claim, refresh.source, why, evidence.reads("A15", "observed-lower-bound"))


def _bounded(
    steps: list[dict[str, Any]], claim: int | None, source: Source, why: str, seen_only: bool
) -> Verdict:
    """Judge without a clock: by the last day that worked and the first refusal after it."""
    n, last = len(steps), max(step["day"] for step in steps if step["works"])
    refused = min((s["day"] for s in steps if not s["works"] and s["day"] > last), default=None)
    early = refused is not None and (claim is None or claim > refused)
    differs = _differs(claim, last, refused if early else None)
    if seen_only:
        reason = f"refreshing works {quantity(last, 'day')} after the grant; nothing shows more"
        return Verdict("refresh-token", last, source, reason, n)
    if early:
        reason = f"refreshing works {quantity(last, 'day')} after the grant, but not after {refused}"
        return Verdict("refresh-token", last, source, reason, n, differs)
    if claim is not None and claim >= last:
        reason = f"refreshing works; the payer says for {quantity(claim, 'day')} ({why})"
        return Verdict("refresh-token", claim, "declared", reason, n)
    if claim is None and last < LEAST_BOUND:
        return Verdict(
            "refresh-token", "unknown_max", source, f"refreshing works, for an unknown time ({why})", n
        )
    reason = f"refreshing works at least {quantity(last, 'day')} after the grant"
    return Verdict("refresh-token", last, source, reason, n, differs)


def _measured(steps: list[dict[str, Any]], claim: int | None, source: Source) -> Verdict:
    last = max(step["day"] for step in steps if step["works"])
    refused = next((step for step in steps if not step["works"]), None)
    if refused is None:
        reason = f"refreshing still works {quantity(last, 'day')} after the grant"
    else:
        reason = (
            f"refreshing works {quantity(last, 'day')} after the grant,"
            f" but not after {refused['day']}: {refused['why']}"
        )
    differs = _differs(claim, last, refused["day"] if refused else None)
    return Verdict("refresh-token", last, source, reason, len(steps), differs)


def _differs(claim: int | None, last: int, refused: int | None) -> str:
    """Describe how a claim differs from the last day that worked, or from an earlier refusal."""
    if claim is None or (last <= claim and (refused is None or claim < refused)):
        return ""
    measured = (
        f"refreshing was refused {quantity(refused, 'day')} after the grant"
        if refused is not None and claim >= refused
        else f"refreshing still worked {quantity(last, 'day')} after the grant"
    )
    return f"the payer says {quantity(claim, 'day')}, but {measured}"


def _none(reason: str, claim: int | None, n: int, source: Source) -> Verdict:
    differs = f"the payer says {quantity(claim, 'day')}, but refreshing does not work" if claim else ""
    return Verdict("refresh-token", "none", source, reason, n, differs)


def _declared(evidence: Evidence, claim: int | None, why: str) -> Verdict:
    facts = evidence["facts"]
    accounts = facts.seen and facts.value["instruments"]["accounts"].get("eligible")
    if claim is None or accounts:
        return not_seen("refresh-token", why)
    if claim == 0:
        return Verdict("refresh-token", "none", "declared", "the payer says that it issues no refresh tokens")
    return Verdict(
        "refresh-token",
        claim,
        "declared",
        f"the payer says {quantity(claim, 'day')}; there is no account to test it",
    )
