"""Portal opt-in: can a member who never opened the member portal connect?"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("opt-in", "facts")


def judge(evidence: Evidence) -> Verdict:
    opt_in = evidence["opt-in"]
    if not opt_in.seen:
        return not_seen("portal-opt-in", opt_in.unseen)
    claim = evidence.claim("portal_opt_in")
    if opt_in.value["works"]:
        reason = "a member who never opened the portal connected"
        differs = "the payer says that an opt-in is required, but it was not" if claim else ""
        return Verdict("portal-opt-in", "not_required", opt_in.source, reason, 1, differs)
    reason = f"a member who never opened the portal cannot connect: {opt_in.value['why']}"
    differs = "the payer says that no opt-in is required, but it was" if claim is False else ""
    return Verdict("portal-opt-in", "required", opt_in.source, reason, 1, differs)
