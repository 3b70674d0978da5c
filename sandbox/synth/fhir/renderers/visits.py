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
from sandbox.synth.fhir.resource_ids import Rendered, Scribe

SNOMED = "http://snomed.info/sct"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
CLASS = {"AMB": "ambulatory", "EMER": "emergency", "IMP": "inpatient encounter", "VR": "virtual"}
DISCHARGE = {"01": "home", "02": "other-hcf", "03": "snf", "06": "home", "07": "aadvice", "20": "exp"}
"""NUBC discharge status, bare → HL7's discharge disposition."""

ATTENDED = {"inpatient": "ATND", "emergency": "ATND"}


def location_of(organization_id: str) -> str:
    """The id of the Location where an organization sees people."""
    return "loc-" + organization_id.removeprefix("org-")


def encounter(scribe: Scribe, entry: RecordEntry, visit: Visit) -> Iterator[Rendered]:
    """A visit. What it was about is a code, or the Condition that was noted at it."""
    setting = scribe.codes.settings[visit.kind]
    period = _period(visit)
    body: Json = {
        "identifier": [{"system": f"{scribe.base}/visits", "value": f"V-{visit.number}"}],
        "status": "finished",
        "class": {"system": concepts.ACT, "code": setting.klass, "display": CLASS[setting.klass]},
        "type": [concepts.worded(setting.what)],
        "subject": scribe.subject,
    }
    if visit.by:
        role = concepts.hl7("v3-ParticipationType", ATTENDED.get(visit.kind, "PPRF"))
        who = fhir.reference("Practitioner", visit.by.id)
        body["participant"] = [{"type": [role], "period": period, "individual": who}]
    body["period"] = period
    if visit.reasons:
        body["reasonCode"] = [concepts.named(term) for term in visit.reasons[:2]]
    noted = scribe.noted_at(visit)
    if noted:
        body["reasonReference"] = [scribe.refer("Condition", noted)]
    if setting.klass in ("IMP", "EMER"):
        status = visit.claim.stay.discharge if visit.claim.stay else "01"
        disposition = concepts.hl7("discharge-disposition", DISCHARGE.get(status, "oth"))
        body["hospitalization"] = {"dischargeDisposition": disposition}
    body["location"] = [{"location": fhir.reference("Location", location_of(visit.where.id))}]
    body["serviceProvider"] = fhir.reference("Organization", visit.where.id)
    yield Rendered("Encounter", "encounter", scribe.ident("Encounter", visit), body)


def _period(visit: Visit) -> Json:
    if visit.last > visit.day:
        return {"start": f"{fhir.day(visit.day)}T08:00:00Z", "end": f"{fhir.day(visit.last)}T17:00:00Z"}
    day = fhir.day(visit.day)
    return {"start": f"{day}T16:00:00Z", "end": f"{day}T16:30:00Z"}


# --- conditions ------------------------------------------------------------------------------------


def problem(scribe: Scribe, entry: RecordEntry, problem: HealthProblem) -> Iterator[Rendered]:
    body = _condition(scribe, entry, problem, ["problem-list-item"], problem.onset)
    ident = scribe.ident("Condition", problem)
    yield Rendered("Condition", "condition-problems-health-concerns", ident, body)


def finding(scribe: Scribe, entry: RecordEntry, finding: ClinicalFinding) -> Iterator[Rendered]:
    """Yield a condition that passes."""
    return _passing(scribe, entry, finding, "condition-encounter-diagnosis", ["encounter-diagnosis"])


def need(scribe: Scribe, entry: RecordEntry, need: Need) -> Iterator[Rendered]:
    """Yield a social problem: on the problem list, and known from a screening."""
    categories: list[str | Piece] = ["problem-list-item", concepts.SDOH]
    return _passing(scribe, entry, need, "condition-problems-health-concerns", categories)


def _passing(
    scribe: Scribe,
    entry: RecordEntry,
    passing: ClinicalFinding | Need,
    profile: str,
    categories: list[str | Piece],
) -> Iterator[Rendered]:
    """Yield a condition, and a second version of it once it is resolved."""
    body = _condition(scribe, entry, passing, categories, passing.day)
    bodies = [(entry.written, body)]
    if passing.resolved and passing.resolved > entry.written:
        later = body | {"clinicalStatus": concepts.hl7("condition-clinical", "resolved")}
        recorded = later.pop("recordedDate")  # comes after abatementDateTime
        later |= {"abatementDateTime": fhir.day(passing.resolved), "recordedDate": recorded}
        bodies.append((passing.resolved, later))
    yield from scribe.versions("Condition", profile, passing, bodies)


def _condition(
    scribe: Scribe,
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
        "subject": scribe.subject,
        **scribe.encounter(entry),
        "onsetDateTime": fhir.day(onset),
        "recordedDate": day,
    }


# --- procedures ------------------------------------------------------------------------------------


def procedure(scribe: Scribe, entry: RecordEntry, procedure: Done) -> Iterator[Rendered]:
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
        "subject": scribe.subject,
        **scribe.encounter(entry),
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
        body["focalDevice"] = [{"manipulated": scribe.refer("Device", procedure.left)}]
    yield Rendered("Procedure", "procedure", scribe.ident("Procedure", procedure), body)
