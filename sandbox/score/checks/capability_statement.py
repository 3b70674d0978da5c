"""CapabilityStatement: does `metadata` answer 200 with one, without a login? Content is not judged."""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("capability-statement",)


def judge(evidence: Evidence) -> Verdict:
    metadata = evidence["capability-statement"]
    if not metadata.seen:
        return not_seen("capability-statement", metadata.unseen)
    flaws = metadata.value.get("flaws") or []
    if metadata.value["present"] and flaws and evidence.reads("A23", "accuracy"):
        reason = f"metadata answered 200, but {'; '.join(flaws)}"
        return Verdict("capability-statement", "absent", metadata.source, reason, 1)
    if metadata.value["present"]:
        return Verdict("capability-statement", "present", metadata.source, "metadata answered 200", 1)
    return Verdict("capability-statement", "absent", metadata.source, f"metadata {metadata.value['why']}", 1)
