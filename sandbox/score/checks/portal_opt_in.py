"""Portal opt-in: can a member who never opened the member portal connect?"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("opt-in", "facts")


def judge(evidence: Evidence) -> Verdict:
    found = evidence["opt-in"]
    if not found.seen:
        return not_seen("portal-opt-in", found.unseen)
    claim = evidence.claim("portal_opt_in")
    if found.value["works"]:
        reason = "a member who never opened the portal connected"
        differs = "the payer says an opt-in is required, yet it was not" if claim else ""
        return Verdict("portal-opt-in", "not_required", found.source, reason, 1, differs)
    reason = f"a member who never opened the portal cannot connect: {found.value['why']}"
    differs = "the payer says no opt-in is required, yet it was" if claim is False else ""
    return Verdict("portal-opt-in", "required", found.source, reason, 1, differs)
