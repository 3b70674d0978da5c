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
    band, reason = _judge_attempts(ineligible.value, evidence)
    return Verdict("eligibility-errors", band, ineligible.source, reason, len(ineligible.value))


def _judge_attempts(attempts: list[dict[str, Any]], evidence: Evidence) -> tuple[str, str]:
    """Return the band and its reason."""
    if not attempts:
        return "unknown", "as far as is known, no ineligible member tried to connect"
    n, explained = len(attempts), [attempt for attempt in attempts if says_ineligible(attempt)]
    if explained and evidence.reads("A19", "majority") and 2 * len(explained) <= n:
        why = f"only {len(explained)} of {n} ineligible attempts got an eligibility error on the callback"
        return "no", why
    if explained:
        detail = explained[0]["description"] or explained[0].get("error_uri") or "no description"
        return "yes", f"the callback returned {explained[0]['error']}: {detail}"
    others = evidence["sign-ins"].value or []
    if others and not any(entered(a) for a in others):
        why = f"nobody can sign in, so eligibility errors cannot be tested ({attempts[0]['reason']})"
        return "unknown", why
    return "no", _silence(attempts[0])


def _silence(attempt: dict[str, Any]) -> str:
    if entered(attempt):
        return "an ineligible member got a token instead of an error on the callback"
    if attempt["outcome"] == "CALLBACK_ERROR":
        return f"the callback returned {attempt['error'] or 'no error'} without mentioning eligibility"
    return f"no error on the callback: {attempt['reason']}"
