"""Lines of business: of the plans a payer offers, whose members get in?

Offered and mandated lines are the payer's claims; supported is what was seen: a line with at least one
eligible member who signed in. A payer that offers only mandated lines gets 2 of 3, as the rubric says.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("lines", "facts")


def judge(evidence: Evidence) -> Verdict:
    lines = evidence["lines"]
    if not lines.seen:
        return not_seen("lines-of-business", lines.unseen)
    offered = frozenset(evidence.claim("offered_lines") or ())
    if not offered:
        return not_seen("lines-of-business", "the payer does not say which lines of business it offers")
    untried = offered - lines.value.keys()
    if untried:
        return not_seen("lines-of-business", f"no test account of these lines: {_list(untried)}")
    mandated = frozenset(evidence.claim("mandated_lines") or ()) & offered
    supported = frozenset(line for line, works in lines.value.items() if works) & offered
    value = band(offered, mandated, supported)
    if value == "all_offered_are_mandated" and evidence.reads("A20", "three-points"):
        value = "all_offered"
    if value == "partial" and evidence.reads("A21", "one-point"):
        value = "some"
    out = offered - supported
    reason = f"members of {_list(supported)} can connect" + (
        f"; members of {_list(out)} cannot" if out else ""
    )
    if value == "all_offered_are_mandated":
        reason += "; the payer offers only mandated lines"
    claimed = frozenset(evidence.claim("supported_lines") or ()) - supported
    differs = (
        f"the payer says that it supports {_list(claimed)}, but none of its members can connect"
        if claimed
        else ""
    )
    return Verdict("lines-of-business", value, lines.source, reason, len(lines.value), differs)


def band(offered: frozenset[str], mandated: frozenset[str], supported: frozenset[str]) -> str:
    """Return the rubric's band. `partial` is a case without a band (0 points)."""
    if not supported:
        return "none"
    if supported == offered:
        return "all_offered_are_mandated" if offered == mandated else "all_offered"
    return "only_mandated_of_offered" if mandated and mandated <= supported else "partial"


def _list(lines: Iterable[str]) -> str:
    return ", ".join(sorted(lines)) or "no line"
