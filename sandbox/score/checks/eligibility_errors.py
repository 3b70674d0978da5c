"""Eligibility errors: when a member is not eligible, does the app hear so on its callback?

An error page, no response, or a token that is refused later does not inform the app. Without an account to
try, the metric is unseen. A log of real use without an ineligible attempt earns half the points.
"""

from __future__ import annotations

from typing import Any

from sandbox.score.evidence import Evidence, Verdict, not_seen
from sandbox.score.signin.outcomes import entered, says_ineligible

NEEDS = ("ineligible-sign-in", "sign-ins")


def judge(evidence: Evidence) -> Verdict:
    ineligible = evidence["ineligible-sign-in"]
    if not ineligible.seen:
        return not_seen("eligibility-errors", ineligible.unseen)
    n = len(ineligible.value)
    if not n:
        reason = "no ineligible member is known to have tried"
        return Verdict("eligibility-errors", "unknown", ineligible.source, reason)
    explained = [attempt for attempt in ineligible.value if says_ineligible(attempt)]
    if explained and evidence.reads("A19", "majority") and 2 * len(explained) <= n:
        reason = f"only {len(explained)} of {n} ineligible attempts heard so on the callback"
        return Verdict("eligibility-errors", "no", ineligible.source, reason, n)
    if explained:
        detail = explained[0]["description"] or explained[0].get("error_uri") or "no description"
        reason = f"the callback said {explained[0]['error']}: {detail}"
        return Verdict("eligibility-errors", "yes", ineligible.source, reason, n)
    attempt = ineligible.value[0]
    others = evidence["sign-ins"].value or []
    if others and not any(entered(a) for a in others):
        reason = f"nobody can sign in, so what ineligible members hear is not known ({attempt['reason']})"
        return Verdict("eligibility-errors", "unknown", ineligible.source, reason, n)
    return Verdict("eligibility-errors", "no", ineligible.source, _silence(attempt), n)


def _silence(attempt: dict[str, Any]) -> str:
    if entered(attempt):
        return "an ineligible member got a token and no error on the callback"
    if attempt["outcome"] == "CALLBACK_ERROR":
        return f"the callback said {attempt['error'] or 'nothing'} without a word of eligibility"
    return f"no error on the callback: {attempt['reason']}"
