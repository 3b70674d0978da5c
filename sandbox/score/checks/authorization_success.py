"""Authorization success: how many of the attempts ended with a usable token for a known patient.

All eligible attempts and the one ineligible count. The grader never gives up before the login form, so
no attempt is a bounce: one that finds no form has failed.
"""

from __future__ import annotations

from collections import Counter

from sandbox.score.evidence import Evidence, Verdict, not_seen, rate

NEEDS = ("sign-ins", "ineligible-sign-in")


def judge(evidence: Evidence) -> Verdict:
    eligible, ineligible = evidence["sign-ins"], evidence["ineligible-sign-in"]
    if not eligible.seen:
        return not_seen("authorization-success", eligible.unseen)
    attempts = [*eligible.value, *(ineligible.value or [])]
    entered = sum(a["outcome"] == "AUTHORIZED" for a in attempts)
    reason = f"{entered} of {len(attempts)} sign-ins ended with a usable token"
    causes = Counter(a["reason"] for a in eligible.value if a["outcome"] != "AUTHORIZED")
    if causes:
        reason += "; " + ", ".join(f"{n} × {cause}" for cause, n in causes.most_common(3))
    value = rate(entered, len(attempts))
    return Verdict("authorization-success", value, eligible.source, reason, len(attempts))
