"""Reference resolution: of the references that point outside a member's bundles, how many can be read?"""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Observation, Verdict, not_seen, rate

NEEDS = ("references",)


def judge(evidence: Evidence) -> Verdict:
    references = evidence["references"]
    if not references.seen:
        return not_seen("reference-resolution", references.unseen)
    read, resolved = references.value["read"], references.value["resolved"]
    if evidence.reads("A7", "every-read"):
        read, resolved = references.value.get("tries", read), references.value.get("tries_resolved", resolved)
    if not read:
        reason = "no resource has a reference that leads outside its Bundle"
        if found_nothing(evidence["sync"]):
            reason = "the searches returned no resources, so there was no reference to resolve"
        return Verdict("reference-resolution", "no_references", references.source, reason)
    reason = f"all {quantity(read, 'reference')} resolved"
    if resolved < read:
        causes = _causes(references.value["failures"])
        reason = f"{read - resolved} of {quantity(read, 'reference')} did not resolve: {causes}"
    return Verdict("reference-resolution", rate(resolved, read), references.source, reason, read)


def found_nothing(sync: Observation) -> bool:
    """Whether no member's searches showed any resource."""
    members = sync.value["members"] if sync.seen else []
    return bool(members) and not any(member.get("filled", member["types"]) for member in members)


def _causes(failures: dict[str, int]) -> str:
    """`404 on Organization, Practitioner; 403 on Location`: statuses with the types they hit."""
    types: dict[str, list[str]] = {}
    for why in sorted(failures):
        status, _, kind = why.rpartition(" ")
        types.setdefault(status, []).append(kind)
    return "; ".join(f"{status} on {', '.join(kinds)}" for status, kinds in types.items())
