"""Status: is the API live? The payer's claim, confirmed live when a member signs in.

A live payer whose sign-in is broken stays live: the rubric counts "Broken" among the live ones.
"""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen
from sandbox.score.signin.outcomes import entered

NEEDS = ("facts", "sign-ins")

_SAID = {
    **dict.fromkeys(("live", "user-validated", "inferred-validated", "broken"), "live"),
    **dict.fromkeys(
        ("implementing", "unavailable-but-planned", "applied", "ready-to-configure"), "implementing"
    ),
}
"""The report's organization statuses; any other is not available."""


def judge(evidence: Evidence) -> Verdict:
    sign_ins = evidence["sign-ins"]
    attempts = sign_ins.value or []
    good = sum(entered(a) for a in attempts)
    claim = evidence.claim("status")
    if good:
        differs = "" if claim in (None, "live") else f"the payer says {claim}, but members can sign in"
        return Verdict(
            "status", "live", sign_ins.source, f"{quantity(good, 'member')} signed in", good, differs
        )
    if claim is None:
        return not_seen("status", "the payer does not say whether it is live, and nobody signed in")
    differs = "the payer says live, but no member could sign in" if claim == "live" and attempts else ""
    value = _SAID.get(str(claim).lower().replace("_", "-").replace(" ", "-"), "not_available")
    return Verdict("status", value, "declared", f"the payer says: {claim}", 0, differs)
