"""smart-configuration: is it there, as a JSON object with a token endpoint, without a login?"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("smart-configuration",)


def judge(evidence: Evidence) -> Verdict:
    configuration = evidence["smart-configuration"]
    if not configuration.seen:
        return not_seen("smart-configuration", configuration.unseen)
    if configuration.value["present"]:
        return Verdict(
            "smart-configuration",
            "present",
            configuration.source,
            ".well-known/smart-configuration answered 200",
            1,
        )
    why = f".well-known/smart-configuration {configuration.value['why']}"
    return Verdict("smart-configuration", "absent", configuration.source, why, 1)
