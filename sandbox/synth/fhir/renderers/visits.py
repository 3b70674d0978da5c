"""Encounter, Condition and Procedure (US Core)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.synth.clinical.records import Done, Need, RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts.events import ClinicalFinding, HealthProblem
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

SNOMED = "http://snomed.info/sct"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
CLASS = {"AMB": "ambulatory", "EMER": "emergency", "IMP": "inpatient encounter", "VR": "virtual"}
DISCHARGE = {"01": "home", "02": "other-hcf", "03": "snf", "06": "home", "07": "aadvice", "20": "exp"}
"""NUBC discharge status, bare → HL7's discharge disposition."""

ATTENDED = {"inpatient": "ATND", "emergency": "ATND"}


def location_of(organization_id: str) -> str:
    """The id of the Location where an organization sees people."""
    return "loc-" + organization_id.removeprefix("org-")


def encounter(ids: ResourceIds, entry: RecordEntry, visit: Visit) -> Iterator[Rendered]:
    """A visit. What it was about is a code, or the Condition that was noted at it."""
    setting = ids.codes.settings[visit.kind]
    period = _period(visit)
    body: Json = {
        "identifier": [{"system": f"{ids.base}/visits", "value": f"V-{visit.number}"}],
        "status": "finished",
        "class": {"system": concepts.ACT, "code": setting.klass, "display": CLASS[setting.klass]},
        "type": [concepts.worded(setting.what)],
        "subject": ids.subject,
    }
    if visit.by:
        role = concepts.hl7("v3-ParticipationType", ATTENDED.get(visit.kind, "PPRF"))
        who = fhir.reference("Practitioner", visit.by.id)
        body["participant"] = [{"type": [role], "period": period, "individual": who}]
    body["period"] = period
    if visit.reasons:
        body["reasonCode"] = [concepts.named(term) for term in visit.reasons[:2]]
    noted = ids.noted_at(visit)
    if noted:
        body["reasonReference"] = [ids.refer("Condition", noted)]
    if setting.klass in ("IMP", "EMER"):
        status = visit.claim.stay.discharge if visit.claim.stay else "01"
        disposition = concepts.hl7("discharge-disposition", DISCHARGE.get(status, "oth"))
        body["hospitalization"] = {"dischargeDisposition": disposition}
    body["location"] = [{"location": fhir.reference("Location", location_of(visit.where.id))}]
    body["serviceProvider"] = fhir.reference("Organization", visit.where.id)
    yield ids.render("Encounter", "encounter", visit, body)


def _period(visit: Visit) -> Json:
    if visit.last > visit.day:
        return {"start": f"{fhir.day(visit.day)}T08:00:00Z", "end": f"{fhir.day(visit.last)}T17:00:00Z"}
    day = fhir.day(visit.day)
    return {"start": f"{day}T16:00:00Z", "end": f"{day}T16:30:00Z"}


# --- conditions ------------------------------------------------------------------------------------


def problem(ids: ResourceIds, entry: RecordEntry, problem: HealthProblem) -> Iterator[Rendered]:
    body = _condition(ids, entry, problem, ["problem-list-item"], problem.onset)
    yield ids.render("Condition", "condition-problems-health-concerns", problem, body)


def finding(ids: ResourceIds, entry: RecordEntry, finding: ClinicalFinding) -> Iterator[Rendered]:
    """Yield a condition that passes."""
    return _passing(ids, entry, finding, "condition-encounter-diagnosis", ["encounter-diagnosis"])


def need(ids: ResourceIds, entry: RecordEntry, need: Need) -> Iterator[Rendered]:
    """Yield a social problem: on the problem list, and known from a screening."""
    categories: list[str | Piece] = ["problem-list-item", concepts.SDOH]
    return _passing(ids, entry, need, "condition-problems-health-concerns", categories)


def _passing(
    ids: ResourceIds,
    entry: RecordEntry,
    passing: ClinicalFinding | Need,
    profile: str,
    categories: list[str | Piece],
) -> Iterator[Rendered]:
    """Yield a condition, and a second version of it once it is resolved."""
    body = _condition(ids, entry, passing, categories, passing.day)
    bodies = [(entry.written, body)]
    if passing.resolved and passing.resolved > entry.written:
        later = body | {"clinicalStatus": concepts.hl7("condition-clinical", "resolved")}
        recorded = later.pop("recordedDate")  # comes after abatementDateTime
        later |= {"abatementDateTime": fhir.day(passing.resolved), "recordedDate": recorded}
        bodies.append((passing.resolved, later))
    yield from ids.versions("Condition", profile, passing, bodies)


def _condition(
    ids: ResourceIds,
    entry: RecordEntry,
    fact: HealthProblem | ClinicalFinding | Need,
    categories: list[str | Piece],
    onset: date,
) -> Json:
    """Return an active Condition. The order of its elements is that of the specification."""
    day = fhir.day(fact.day)
    return {
        "extension": [{"url": ASSERTED, "valueDateTime": day}],
        "clinicalStatus": concepts.hl7("condition-clinical", "active"),
        "verificationStatus": concepts.hl7("condition-ver-status", "confirmed"),
        "category": [
            concepts.hl7("condition-category", category) if isinstance(category, str) else category
            for category in categories
        ],
        "code": concepts.named(fact.what),
        "subject": ids.subject,
        **ids.encounter(entry),
        "onsetDateTime": fhir.day(onset),
        "recordedDate": day,
    }


# --- procedures ------------------------------------------------------------------------------------


def procedure(ids: ResourceIds, entry: RecordEntry, procedure: Done) -> Iterator[Rendered]:
    """Something done; a device that was left in the body is named."""
    # ICD-10-PCS names are public domain and published; HCPCS names here are our own wording
    code = (
        concepts.named(procedure.what)
        if "ICD10" in procedure.what.system
        else concepts.worded(procedure.what)
    )
    body: Json = {
        "status": "completed",
        "code": code,
        "subject": ids.subject,
        **ids.encounter(entry),
        "performedDateTime": fhir.day(procedure.day),
    }
    visit = entry.visit
    if visit:
        if visit.by:
            body["performer"] = [{"actor": fhir.reference("Practitioner", visit.by.id)}]
        body["location"] = fhir.reference("Location", location_of(visit.where.id))
        if visit.reasons:
            body["reasonCode"] = [concepts.named(visit.reasons[0])]
    if procedure.left:
        body["focalDevice"] = [{"manipulated": ids.refer("Device", procedure.left)}]
    yield ids.render("Procedure", "procedure", procedure, body)
