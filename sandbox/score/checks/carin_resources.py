"""CARIN resources: did ExplanationOfBenefit, Coverage and Patient each answer 200 at least once?

By a search of their own, or inside a `$everything` that answered 200. An empty Bundle counts.
"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("sync",)

TYPES = ("ExplanationOfBenefit", "Coverage", "Patient")


def judge(evidence: Evidence) -> Verdict:
    sync = evidence["sync"]
    if not sync.seen:
        return not_seen("carin-resources", sync.unseen)
    members = sync.value["members"]
    counts = "filled" if evidence.reads("A27", "needs-an-entry") else "types"
    answered = {kind for member in members for kind in member.get(counts, member["types"])}
    there = tuple(kind for kind in TYPES if kind in answered)
    lost = [kind for kind in TYPES if kind not in answered]
    reason = f"never answered 200: {', '.join(lost)}" if lost else "all three answered 200"
    return Verdict("carin-resources", there, sync.source, reason, len(members))
