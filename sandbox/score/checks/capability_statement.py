"""CapabilityStatement: does `metadata` answer 200 with one, without a login? Content is not judged."""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("capability-statement",)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["capability-statement"]
    if not found.seen:
        return not_seen("capability-statement", found.unseen)
    flaws = found.value.get("flaws") or []
    if found.value["present"] and flaws and evidence.reads("A23", "accuracy"):
        reason = f"metadata answered 200, but {'; '.join(flaws)}"
        return Verdict("capability-statement", "absent", found.source, reason, 1)
    if found.value["present"]:
        return Verdict("capability-statement", "present", found.source, "metadata answered 200", 1)
    return Verdict("capability-statement", "absent", found.source, f"metadata {found.value['why']}", 1)
