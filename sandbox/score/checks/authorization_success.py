"""Authorization success: how many of the attempts ended with a usable token for a known patient.

Eligible and ineligible attempts count. The grader never leaves before the login form, so an attempt that
finds no form has failed. In a log of real use people do leave before they log in; those attempts are left
out (reading A13).
"""

from __future__ import annotations

from collections import Counter

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen, rate
from sandbox.score.http.statuses import at_least
from sandbox.score.signin.outcomes import BOUNCED, entered

NEEDS = ("sign-ins", "ineligible-sign-in")


def judge(evidence: Evidence) -> Verdict:
    eligible, ineligible = evidence["sign-ins"], evidence["ineligible-sign-in"]
    if not eligible.seen:
        return not_seen("authorization-success", eligible.unseen)
    attempts = [*eligible.value, *(ineligible.value or [])]
    bounced = [] if evidence.reads("A13", "failure") else [a for a in attempts if a["outcome"] == BOUNCED]
    n, good = len(attempts) - len(bounced), sum(entered(a) for a in attempts)
    if n < at_least(evidence):
        reason = (
            f"{quantity(n, 'attempt')} {'is' if n == 1 else 'are'} not enough data"
            if n
            else "nobody tried to sign in"
        )
        return Verdict("authorization-success", "no_data", eligible.source, reason, n)
    reason = f"{good} of {quantity(n, 'sign-in')} ended with a usable token"
    causes = Counter(a["reason"] for a in eligible.value if not entered(a) and a not in bounced)
    if causes:
        reason += "; " + ", ".join(f"{n} × {cause}" for cause, n in causes.most_common(3))
    if bounced:
        reason += f"; not counted: {quantity(len(bounced), 'attempt')} that ended before the login"
    unwalked = evidence["unwalked"]
    if unwalked.seen:
        reason += f"; not counted: {unwalked.value['count']} that the scorer could not complete"
    return Verdict("authorization-success", rate(good, n), eligible.source, reason, n)
