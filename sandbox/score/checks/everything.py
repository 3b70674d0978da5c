"""$everything: does following its pages to the end give all that the searches per type give?

Judged on the walks that reached their end with 200 on every page, so that a passing error costs
request-success and not this too; where some broke, one of several pages must have come to its end. How
long pages are is the payer's choice.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("everything",)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["everything"]
    if not found.seen:
        return not_seen("everything", found.unseen)
    n = len(found.value)
    if not n:
        return Verdict("everything", "none", found.source, "nobody asked for it")
    answered = [one for one in found.value if one["status"] == 200]
    if not answered:
        return Verdict("everything", "none", found.source, _refusal(found.value[0]), n)
    whole = [one for one in answered if one["unbroken"]]
    if not whole:
        return Verdict("everything", "limited", found.source, f"the paging breaks: {answered[0]['note']}", n)
    if len(whole) < len(answered) and all(one["pages"] < 2 for one in whole):
        broken = next(one for one in answered if not one["unbroken"])
        reason = f"only what fits into one page comes to its end: {broken['note']}"
        return Verdict("everything", "limited", found.source, reason, n)
    for one in whole:
        if short := _short(one):
            return Verdict("everything", "limited", found.source, short, n)
    if not any(one["entries"] is None or one["entries"] for one in whole):
        return Verdict("everything", "limited", found.source, "it answers 200, and nothing is in it", n)
    pages = max(one["pages"] for one in whole)
    return Verdict("everything", "paged", found.source, f"complete, in up to {quantity(pages, 'page')}", n)


def _refusal(one: dict[str, Any]) -> str:
    """What the first one answered that did not answer 200."""
    told = f"answered {one['status'] or 'nothing'}"
    return told if one.get("offered", True) else f"metadata does not name it, and it {told}"


def _short(one: dict[str, Any]) -> str:
    """What is missing from one walk that reached its end; empty when nothing is."""
    if not one["missing"]:
        return ""
    kinds = ", ".join(one["missing_types"])
    return f"{one['missing']} of {one['searched']} resources of the searches are missing: {kinds}"
