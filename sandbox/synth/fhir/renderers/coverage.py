"""Coverage (CARIN Blue Button and US Core): one resource for each policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Policy
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json

ACT_CODE = fhir.TERMINOLOGY + "v3-ActCode"
PAYMENT = "https://nahdo.org/sopt"  # Source of Payment Typology, whose codes US Core asks for
ONE_DAY = timedelta(days=1)


def coverage(spec: Spec, member: CoveredMember, policy: Policy, today: date) -> Iterator[Json]:
    """Yield a policy as Coverage: active, and cancelled in a second version once it has ended.

    An end that is still to come today is known beforehand, one that has come was not.
    """
    since = min(max(member.enrolled, policy.start - timedelta(days=21)), today - ONE_DAY)
    to_come = policy.end is not None and policy.end >= today
    yield _coverage(spec, member, policy, since, policy.end if to_come else None)
    if policy.end:
        over = _coverage(spec, member, policy, policy.end + ONE_DAY, policy.end)
        over["meta"]["versionId"] = "2"
        yield over | {"status": "cancelled"}


def _coverage(spec: Spec, member: CoveredMember, policy: Policy, updated: date, end: date | None) -> Json:
    subscriber = policy.subscriber
    payer = policy.payer.id if policy.payer else spec.payer.id
    issuer = spec.payer.base if policy.payer is None else f"https://{payer}.example"
    holder = (
        fhir.reference("RelatedPerson", subscriber.relative.id)
        if subscriber
        else fhir.reference("Patient", member.patient_id)
    )
    period = {"start": fhir.day(policy.start)} | ({"end": fhir.day(end)} if end else {})
    return fhir.resource(
        "Coverage", policy.id, fhir.instant(updated, member.number), "C4BB-Coverage", "us-core-coverage"
    ) | {
        "identifier": [fhir.typed(f"{issuer}/member-id", policy.member_id, "MB")],
        "status": "active",
        "type": _type(policy),
        "policyHolder": holder,
        "subscriber": holder,
        "subscriberId": policy.subscriber_id,
        "beneficiary": fhir.reference("Patient", member.patient_id),
        **({"dependent": subscriber.dependent} if subscriber else {}),
        "relationship": fhir.concept(
            fhir.TERMINOLOGY + "subscriber-relationship", subscriber.relationship if subscriber else "self"
        ),
        "period": period,
        "payor": [fhir.reference("Organization", payer)],
        "class": [
            _class("group", policy.plan.group, policy.plan.group_name),
            _class("plan", policy.plan.code, policy.plan.name),
        ],
        "order": policy.order,
    }


def _type(policy: Policy) -> Json:
    codings = [{"system": ACT_CODE, "code": policy.plan.type}]
    if policy.plan.payment:
        codings.append({"system": PAYMENT, "code": policy.plan.payment})
    return {"coding": codings, "text": policy.plan.name}


def _class(kind: str, value: str, name: str) -> Json:
    return {"type": fhir.concept(fhir.TERMINOLOGY + "coverage-class", kind), "value": value, "name": name}
