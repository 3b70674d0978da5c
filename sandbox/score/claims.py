"""Claims of a payer, read with a check that they are plausible."""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence


def days(evidence: Evidence, name: str) -> tuple[int | None, str]:
    """Return a claim of a number of days, and what is wrong with it. An impossible one is left out."""
    claim = evidence.claim(name)
    if claim is None or (type(claim) is int and claim >= 0):
        return claim, ""
    words = quantity(claim, "day") if type(claim) is int else "no number of days"
    return None, f"the payer says {words}, which is impossible: the claim is ignored"
