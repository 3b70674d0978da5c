"""Request success: of all requests of the syncs, how many answered exactly 200?

`$everything`, searches, further pages and retries count, each try by itself; reading references does
not (it has a metric of its own).
"""

from __future__ import annotations

from collections import Counter

from sandbox.core.text import quantity
from sandbox.score import requests
from sandbox.score.evidence import Evidence, Verdict, not_seen, rate
from sandbox.score.http.statuses import at_least
from sandbox.score.requests import Kind

NEEDS = ("sync",)


def judge(evidence: Evidence) -> Verdict:
    sync = evidence["sync"]
    if not sync.seen:
        return not_seen("request-success", sync.unseen)
    counted = requests.count_requests(sync)
    if evidence.reads("A11", "last-try-only"):
        counted = Counter({kind: n for kind, n in counted.items() if not kind.retried})
    failed = Counter({kind: n for kind, n in counted.items() if not _succeeded(kind, evidence)})
    total = counted.total()
    if total < at_least(evidence):
        reason = (
            f"{quantity(total, 'request')} {'is' if total == 1 else 'are'} not enough data"
            if total
            else "there was no request"
        )
        return Verdict("request-success", "no_data", sync.source, reason, total)
    if failed:
        reason = (
            f"{failed.total()} of {quantity(total, 'request')} did not answer 200: {requests.tally(failed)}"
        )
    else:
        reason = f"all {quantity(total, 'request')} answered 200"
    return Verdict("request-success", rate(total - failed.total(), total), sync.source, reason, total)


def _succeeded(kind: Kind, evidence: Evidence) -> bool:
    """Exactly 200, unless the edition reads otherwise (A8, A10)."""
    if evidence.reads("A8", "2xx-or-304"):
        good = 200 <= kind.status < 300 or kind.status == 304
    else:
        good = kind.status == 200
    return good and not (kind.flawed and evidence.reads("A10", "failure"))
