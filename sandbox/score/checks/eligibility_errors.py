"""Eligibility errors: when a member is not eligible, does the app hear so on its callback?

An error page, a silence, or a token that is refused later tells the member or nobody, not the app. With
no ineligible attempt on record the rubric gives half.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.score.evidence import Evidence, Verdict

NEEDS = ("ineligible-sign-in", "sign-ins")

ERRORS = ("query_ineligible", "ineligible", "member_not_eligible")
DESCRIPTION = re.compile(r"eligib|not covered|no (active )?(coverage|membership)", re.IGNORECASE)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["ineligible-sign-in"]
    if not found.seen:
        return Verdict("eligibility-errors", "unknown", "observed", found.unseen)
    said = [attempt for attempt in found.value if says_ineligible(attempt)]
    n = len(found.value)
    if said:
        reason = f"the callback said {said[0]['error']}: {said[0]['description'] or 'no description'}"
        return Verdict("eligibility-errors", "yes", found.source, reason, n)
    attempt = found.value[0]
    others = evidence["sign-ins"].value or []
    if others and not any(a["outcome"] == "AUTHORIZED" for a in others):
        reason = f"nobody can sign in, so what ineligible members hear is not known ({attempt['reason']})"
        return Verdict("eligibility-errors", "unknown", "observed", reason, n)
    return Verdict("eligibility-errors", "no", found.source, _silence(attempt), n)


def says_ineligible(attempt: dict[str, Any]) -> bool:
    """Whether an attempt ended with an error on the callback that means "not eligible"."""
    if attempt["outcome"] != "CALLBACK_ERROR":
        return False
    denied = attempt["error"] == "access_denied" and DESCRIPTION.search(attempt["description"])
    return attempt["error"] in ERRORS or bool(denied)


def _silence(attempt: dict[str, Any]) -> str:
    if attempt["outcome"] == "AUTHORIZED":
        return "an ineligible member got a token and no error on the callback"
    if attempt["outcome"] == "CALLBACK_ERROR":
        return f"the callback said {attempt['error'] or 'nothing'} without a word of eligibility"
    return f"no error on the callback: {attempt['reason']}"
