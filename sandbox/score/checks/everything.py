"""$everything: does following its pages to the end give all that the searches per type give?

The check looks at the walks that reached the last page with 200 on every page, so that a transient error
costs request-success only. Where some walks broke, one of several pages must have reached its end. The
payer chooses the length of pages.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("everything",)


def judge(evidence: Evidence) -> Verdict:
    everything = evidence["everything"]
    if not everything.seen:
        return not_seen("everything", everything.unseen)
    band, reason = _judge_walks(everything.value)
    return Verdict("everything", band, everything.source, reason, len(everything.value))


def _judge_walks(walks: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the band and its reason."""
    if not walks:
        return "none", "nobody requested $everything"
    answered = [walk for walk in walks if walk["status"] == 200]
    if not answered:
        return "none", _refusal(walks[0])
    unbroken = [walk for walk in answered if walk["unbroken"]]
    if not unbroken:
        return "limited", f"paging fails: {answered[0]['note']}"
    if len(unbroken) < len(answered) and all(walk["pages"] < 2 for walk in unbroken):
        broken = next(walk for walk in answered if not walk["unbroken"])
        return "limited", f"only records that fit on one page are complete: {broken['note']}"
    if short := next((walk for walk in unbroken if walk["missing"]), None):
        share, kinds = f"{short['missing']} of {short['searched']}", ", ".join(short["missing_types"])
        return "limited", f"{share} resources that the searches return are missing: {kinds}"
    if not any(walk["entries"] is None or walk["entries"] for walk in unbroken):
        return "limited", "$everything answers 200 with an empty Bundle"
    return "paged", f"complete, in up to {quantity(max(walk['pages'] for walk in unbroken), 'page')}"


def _refusal(walk: dict[str, Any]) -> str:
    """Describe the response of a walk that did not answer 200."""
    answer = f"answered {walk['status'] or 'nothing'}"
    return answer if walk.get("offered", True) else f"not listed in the CapabilityStatement, and {answer}"
