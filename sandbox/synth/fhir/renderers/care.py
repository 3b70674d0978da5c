"""CarePlan, CareTeam and Goal (US Core)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sandbox.synth.clinical.records import Care, RecordEntry
from sandbox.synth.config.clinical_codes import SNOMED
from sandbox.synth.facts import Term
from sandbox.synth.facts.care import Aim
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

ASSESS_PLAN = concepts.coded("http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan")
XHTML = "http://www.w3.org/1999/xhtml"

DOCTOR = concepts.worded(Term(SNOMED, "446050000", "Primary care clinician"))
CLINIC = concepts.worded(Term(SNOMED, "224891009", "Clinic"))
PATIENT = concepts.worded(Term(SNOMED, "116154003", "The member"))
RELATIVE = concepts.worded(Term(SNOMED, "133932002", "Caregiver"))


def care(ids: ResourceIds, entry: RecordEntry, plan: Care) -> Iterator[Rendered]:
    """The plan, the team, and a goal for each condition."""
    yield ids.render("CareTeam", "careteam", plan, _team(ids, entry, plan))
    goals = []
    for part, (aim, problem) in enumerate(plan.aims):
        goals.append(ids.refer("Goal", plan, part))
        body = _goal(ids, plan, aim) | {"addresses": [ids.refer("Condition", problem)]}
        yield ids.render("Goal", "goal", plan, body, part)
    body = {
        "text": _narrative(plan),
        "status": "active",
        "intent": "plan",
        "category": [ASSESS_PLAN],
        "title": "Care plan",
        "subject": ids.subject,
        **ids.encounter(entry),
        "period": {"start": fhir.day(plan.day)},
        "created": fhir.day(plan.day),
        "author": fhir.reference("Practitioner", plan.doctor.id),
        "careTeam": [ids.refer("CareTeam", plan)],
        "addresses": [ids.refer("Condition", problem) for _, problem in plan.aims],
        "goal": goals,
    }
    yield ids.render("CarePlan", "careplan", plan, body)


def _team(ids: ResourceIds, entry: RecordEntry, plan: Care) -> Json:
    people = [
        (DOCTOR, fhir.reference("Practitioner", plan.doctor.id)),
        (CLINIC, fhir.reference("Organization", plan.clinic.id)),
        (PATIENT, ids.subject),
    ]
    if plan.relative:
        people.append((RELATIVE, fhir.reference("RelatedPerson", plan.relative.id)))
    return {
        "status": "active",
        "name": "Care team",
        "subject": ids.subject,
        **ids.encounter(entry),
        "period": {"start": fhir.day(plan.day)},
        "participant": [{"role": [role], "member": member} for role, member in people],
    }


def _goal(ids: ResourceIds, plan: Care, aim: Aim) -> Json:
    target: Json = {"dueDate": fhir.day(plan.due)}
    if aim.measure and aim.below is not None and aim.unit:
        bound = {
            "value": aim.below,
            "unit": aim.unit,
            "system": fhir.UCUM,
            "code": aim.unit,
            "comparator": "<",
        }
        target = {
            "measure": concepts.coded("http://loinc.org", aim.measure),
            "detailQuantity": bound,
        } | target
    return {
        "lifecycleStatus": "active",
        "description": {"text": aim.goal},
        "subject": ids.subject,
        "startDate": fhir.day(plan.day),
        "target": [target],
    }


def _narrative(plan: Care) -> Json:
    plans = "".join(f"<p>{escape(problem.what.name)}: {escape(aim.plan)}</p>" for aim, problem in plan.aims)
    return {"status": "additional", "div": f'<div xmlns="{XHTML}">{plans}</div>'}
