"""Coverage (CARIN Blue Button 2.0.0): one resource for each policy."""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.synth import elements as fhir
from sandbox.synth.elements import Json
from sandbox.synth.facts import Member, Policy
from sandbox.synth.spec import Spec


def coverage(spec: Spec, member: Member, policy: Policy, today: date) -> Json:
    """A policy as Coverage. A running one has no `period.end`; an ended one is cancelled."""
    ended = policy.end is not None and policy.end < today
    updated = policy.end + timedelta(days=1) if policy.end else min(policy.start, member.enrolled)
    period = {"start": policy.start.isoformat()}
    if policy.end:
        period["end"] = policy.end.isoformat()
    return fhir.resource(
        "Coverage",
        policy.id,
        fhir.instant(min(updated, today - timedelta(days=1)), member.number),
        fhir.carin("Coverage"),
    ) | {
        "identifier": [fhir.typed(f"{spec.payer['base']}/member-id", policy.member_id, "MB")],
        "status": "cancelled" if ended else "active",
        "type": fhir.concept(fhir.TERMINOLOGY + "v3-ActCode", policy.plan.type, text=policy.plan.name),
        "subscriber": fhir.reference("Patient", member.patient_id),
        "subscriberId": policy.member_id,
        "beneficiary": fhir.reference("Patient", member.patient_id),
        "relationship": fhir.concept(fhir.TERMINOLOGY + "subscriber-relationship", "self"),
        "period": period,
        "payor": [fhir.reference("Organization", spec.payer["id"])],
        "class": [
            _class("group", policy.plan.group, policy.plan.group_name),
            _class("plan", policy.plan.code, policy.plan.name),
        ],
    }


def _class(kind: str, value: str, name: str) -> Json:
    return {"type": fhir.concept(fhir.TERMINOLOGY + "coverage-class", kind), "value": value, "name": name}
