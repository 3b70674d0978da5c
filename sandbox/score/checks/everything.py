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
    n = len(everything.value)
    if not n:
        return Verdict("everything", "none", everything.source, "nobody asked for it")
    answered = [walk for walk in everything.value if walk["status"] == 200]
    if not answered:
        return Verdict("everything", "none", everything.source, _refusal(everything.value[0]), n)
    unbroken = [walk for walk in answered if walk["unbroken"]]
    if not unbroken:
        return Verdict(
            "everything", "limited", everything.source, f"the paging breaks: {answered[0]['note']}", n
        )
    if len(unbroken) < len(answered) and all(walk["pages"] < 2 for walk in unbroken):
        broken = next(walk for walk in answered if not walk["unbroken"])
        reason = f"only what fits into one page comes to its end: {broken['note']}"
        return Verdict("everything", "limited", everything.source, reason, n)
    for walk in unbroken:
        if short := _short(walk):
            return Verdict("everything", "limited", everything.source, short, n)
    if not any(walk["entries"] is None or walk["entries"] for walk in unbroken):
        return Verdict("everything", "limited", everything.source, "it answers 200, and nothing is in it", n)
    pages = max(walk["pages"] for walk in unbroken)
    return Verdict(
        "everything", "paged", everything.source, f"complete, in up to {quantity(pages, 'page')}", n
    )


def _refusal(walk: dict[str, Any]) -> str:
    """Describe the response of a walk that did not answer 200."""
    answer = f"answered {walk['status'] or 'nothing'}"
    return answer if walk.get("offered", True) else f"metadata does not name it, and it {answer}"


def _short(walk: dict[str, Any]) -> str:
    """Describe what is missing from a complete walk; empty when nothing is."""
    if not walk["missing"]:
        return ""
    kinds = ", ".join(walk["missing_types"])
    return f"{walk['missing']} of {walk['searched']} resources of the searches are missing: {kinds}"
