"""CapabilityStatement: does `metadata` answer 200 with one, without a login? Content is not judged."""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("capability-statement",)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["capability-statement"]
    if not found.seen:
        return not_seen("capability-statement", found.unseen)
    if found.value["present"]:
        return Verdict("capability-statement", "present", "observed", "metadata answered 200", 1)
    return Verdict("capability-statement", "absent", "observed", f"metadata {found.value['why']}", 1)
