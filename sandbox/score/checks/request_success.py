"""Request success: of all requests of the syncs, how many answered exactly 200?

`$everything`, searches, further pages and retries count, each try by itself; reading references does
not (it has a metric of its own).
"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen, rate
from sandbox.score.statuses import tally

NEEDS = ("sync",)

STEPS = ("everything", "individual", "pagination", "retry")


def judge(evidence: Evidence) -> Verdict:
    found = evidence["sync"]
    if not found.seen:
        return not_seen("request-success", found.unseen)
    counted = [e for e in found.exchanges if e.step in STEPS]
    failed = [e for e in counted if e.status != 200]
    if not counted:
        return Verdict("request-success", "no_data", found.source, "no request was made")
    if failed:
        reason = f"{len(failed)} of {len(counted)} requests did not answer 200: {tally(failed)}"
    else:
        reason = f"all {len(counted)} requests answered 200"
    value = rate(len(counted) - len(failed), len(counted))
    return Verdict("request-success", value, found.source, reason, len(counted))
