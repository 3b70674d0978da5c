"""$everything: does it page properly and give all that the searches per type give?

Judged on the walks that reached their end with 200 on every page, so that a passing error costs
request-success and not this too. A page longer than was asked for is not proper paging.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen
from sandbox.score.plan import EVERYTHING_COUNT

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
        return Verdict(
            "everything", "none", found.source, f"answered {found.value[0]['status'] or 'nothing'}", n
        )
    whole = [one for one in answered if one["unbroken"]]
    if not whole:
        return Verdict("everything", "limited", found.source, f"the paging breaks: {answered[0]['note']}", n)
    for one in whole:
        if short := _short(one):
            return Verdict("everything", "limited", found.source, short, n)
    pages = max(one["pages"] for one in whole)
    return Verdict("everything", "paged", found.source, f"complete, in up to {quantity(pages, 'page')}", n)


def _short(one: dict[str, Any]) -> str:
    """What is wrong with one walk that reached its end; empty when nothing is."""
    if one["missing"]:
        kinds = ", ".join(one["missing_types"])
        return f"{one['missing']} of {one['searched']} resources of the searches are missing: {kinds}"
    if one["first_page"] > EVERYTHING_COUNT:
        return f"_count={EVERYTHING_COUNT} is ignored: the first page has {one['first_page']} entries"
    return ""
