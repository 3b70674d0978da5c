"""Sync speed: the median time of a member's sync, first request to last byte.

Waiting as a Retry-After asks is part of it; the grader's own pacing and parsing are not. A sync in
which nothing was found is left out.
"""

from __future__ import annotations

from statistics import median

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("sync",)


def judge(evidence: Evidence) -> Verdict:
    sync = evidence["sync"]
    if not sync.seen:
        return not_seen("sync-speed", sync.unseen)
    members = sync.value["members"]
    timed = [m for m in members if m["types"] or m.get("timed_only")]
    times = [m["seconds"] for m in timed if m["seconds"] is not None]
    if not times:
        reason = f"none of {len(members)} syncs returned any data" if members else "there was no sync"
        return Verdict("sync-speed", "no_data", sync.source, reason)
    middle = median(times)
    reason = f"median {middle:.2f} s over {quantity(len(times), 'member')}"
    reason += f" ({min(times):.2f} to {max(times):.2f} s)"
    return Verdict("sync-speed", middle, sync.source, reason, len(times))
