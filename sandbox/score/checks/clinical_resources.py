"""Clinical resources: how many clinical types answered 200 to a search of their own? Four are enough."""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("sync",)

ENOUGH = 4
TYPES = frozenset(
    {
        "AllergyIntolerance",
        "CarePlan",
        "CareTeam",
        "Condition",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "FamilyMemberHistory",
        "Goal",
        "Immunization",
        "Medication",
        "MedicationDispense",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Procedure",
        "QuestionnaireResponse",
        "ServiceRequest",
        "Specimen",
    }
)


def judge(evidence: Evidence) -> Verdict:
    found = evidence["sync"]
    if not found.seen:
        return not_seen("clinical-resources", found.unseen)
    members = found.value["members"]
    answered = sorted({kind for member in members for kind in member["ok_searches"]} & TYPES)
    reason = f"{len(answered)} clinical types answered 200"
    if answered:
        reason += f": {', '.join(answered[:6])}{' …' if len(answered) > 6 else ''}"
    return Verdict("clinical-resources", min(ENOUGH, len(answered)), found.source, reason, len(members))
