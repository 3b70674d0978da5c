"""Eligibility errors: when a member is not eligible, does the app hear so on its callback?

An error page, a silence, or a token that is refused later tells the member or nobody, not the app. Where
nobody could try it is unseen; a log of real use without an ineligible attempt earns the rubric's half.
"""

from __future__ import annotations

from typing import Any

from sandbox.score.evidence import Evidence, Verdict, not_seen
from sandbox.score.signin.outcomes import entered, says_ineligible

NEEDS = ("ineligible-sign-in", "sign-ins")


def judge(evidence: Evidence) -> Verdict:
    found = evidence["ineligible-sign-in"]
    if not found.seen:
        return not_seen("eligibility-errors", found.unseen)
    n = len(found.value)
    if not n:
        reason = "no ineligible member is known to have tried"
        return Verdict("eligibility-errors", "unknown", found.source, reason)
    said = [attempt for attempt in found.value if says_ineligible(attempt)]
    if said and evidence.reads("A19", "majority") and 2 * len(said) <= n:
        reason = f"only {len(said)} of {n} ineligible attempts heard so on the callback"
        return Verdict("eligibility-errors", "no", found.source, reason, n)
    if said:
        told = said[0]["description"] or said[0].get("error_uri") or "no description"
        reason = f"the callback said {said[0]['error']}: {told}"
        return Verdict("eligibility-errors", "yes", found.source, reason, n)
    attempt = found.value[0]
    others = evidence["sign-ins"].value or []
    if others and not any(entered(a) for a in others):
        reason = f"nobody can sign in, so what ineligible members hear is not known ({attempt['reason']})"
        return Verdict("eligibility-errors", "unknown", found.source, reason, n)
    return Verdict("eligibility-errors", "no", found.source, _silence(attempt), n)


def _silence(attempt: dict[str, Any]) -> str:
    if entered(attempt):
        return "an ineligible member got a token and no error on the callback"
    if attempt["outcome"] == "CALLBACK_ERROR":
        return f"the callback said {attempt['error'] or 'nothing'} without a word of eligibility"
    return f"no error on the callback: {attempt['reason']}"
