"""Clinical resources: how many clinical types answered 200 to a search of their own? Four are enough."""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("sync",)

ENOUGH = 4
TYPES = frozenset((
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Device", "DiagnosticReport",
    "DocumentReference", "Encounter", "FamilyMemberHistory", "Goal", "Immunization", "Medication",
    "MedicationDispense", "MedicationRequest", "MedicationStatement", "Observation", "Procedure",
    "QuestionnaireResponse", "ServiceRequest", "Specimen",
))  # fmt: skip


def judge(evidence: Evidence) -> Verdict:
    sync = evidence["sync"]
    if not sync.seen:
        return not_seen("clinical-resources", sync.unseen)
    members = sync.value["members"]
    answered = {kind for member in members for kind in member["ok_searches"]} & TYPES
    if evidence.reads("A27", "needs-an-entry"):
        answered &= {kind for member in members for kind in member.get("filled", member["types"])}
    names = sorted(answered)
    reason = f"{quantity(len(answered), 'clinical type')} answered 200"
    if names:
        reason += f": {', '.join(names[:6])}{' …' if len(names) > 6 else ''}"
    return Verdict("clinical-resources", min(ENOUGH, len(answered)), sync.source, reason, len(members))
