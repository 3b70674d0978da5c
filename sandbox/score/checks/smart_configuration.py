"""smart-configuration: is it there, as a JSON object with a token endpoint, without a login?"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("smart-configuration",)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["smart-configuration"]
    if not found.seen:
        return not_seen("smart-configuration", found.unseen)
    if found.value["present"]:
        return Verdict("smart-configuration", "present", found.source, "it answered 200", 1)
    why = f".well-known/smart-configuration {found.value['why']}"
    return Verdict("smart-configuration", "absent", found.source, why, 1)
