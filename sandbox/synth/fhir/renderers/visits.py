"""Encounter, Condition and Procedure (US Core)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.synth.clinical.records import Done, Need, RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts import Term
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


def location_of(organisation_id: str) -> str:
    """The id of the Location where an organisation sees people."""
    return "loc-" + organisation_id.removeprefix("org-")


def encounter(scribe: Scribe, entry: RecordEntry, of: Visit) -> Iterator[Rendered]:
    """A visit. What it was about is a code, or the Condition that was noted at it."""
    setting = scribe.codes.settings[of.kind]
    period = _period(of)
    body: Json = {
        "identifier": [{"system": f"{scribe.base}/visits", "value": f"V-{of.number}"}],
        "status": "finished",
        "class": {"system": concepts.ACT, "code": setting.klass, "display": CLASS[setting.klass]},
        "type": [concepts.worded(setting.what)],
        "subject": scribe.subject,
    }
    if of.by:
        role = concepts.hl7("v3-ParticipationType", ATTENDED.get(of.kind, "PPRF"))
        who = fhir.reference("Practitioner", of.by.id)
        body["participant"] = [{"type": [role], "period": period, "individual": who}]
    body["period"] = period
    if of.reasons:
        body["reasonCode"] = [concepts.named(term) for term in of.reasons[:2]]
    noted = scribe.noted_at(of)
    if noted:
        body["reasonReference"] = [scribe.refer("Condition", noted)]
    if setting.klass in ("IMP", "EMER"):
        status = of.claim.stay.discharge if of.claim.stay else "01"
        disposition = concepts.hl7("discharge-disposition", DISCHARGE.get(status, "oth"))
        body["hospitalization"] = {"dischargeDisposition": disposition}
    body["location"] = [{"location": fhir.reference("Location", location_of(of.where.id))}]
    body["serviceProvider"] = fhir.reference("Organization", of.where.id)
    yield Rendered("Encounter", "encounter", scribe.ident("Encounter", of), body)


def _period(of: Visit) -> Json:
    if of.last > of.day:
        return {"start": f"{fhir.day(of.day)}T08:00:00Z", "end": f"{fhir.day(of.last)}T17:00:00Z"}
    day = fhir.day(of.day)
    return {"start": f"{day}T16:00:00Z", "end": f"{day}T16:30:00Z"}


# --- conditions ------------------------------------------------------------------------------------


def problem(scribe: Scribe, entry: RecordEntry, of: HealthProblem) -> Iterator[Rendered]:
    body = _condition(scribe, entry, of.what, ["problem-list-item"], of.onset, of.day, None)
    ident = scribe.ident("Condition", of)
    yield Rendered("Condition", "condition-problems-health-concerns", ident, body)


def finding(scribe: Scribe, entry: RecordEntry, of: ClinicalFinding) -> Iterator[Rendered]:
    """Something that passes: in a second version, it has."""
    return _passing(
        scribe,
        entry,
        of,
        "condition-encounter-diagnosis",
        ["encounter-diagnosis"],
        of.what,
        of.day,
        of.resolved,
    )


def need(scribe: Scribe, entry: RecordEntry, of: Need) -> Iterator[Rendered]:
    """A social problem: on the problem list, and known from a screening."""
    categories: list[str | Piece] = ["problem-list-item", concepts.SDOH]
    return _passing(
        scribe,
        entry,
        of,
        "condition-problems-health-concerns",
        categories,
        of.what,
        of.day,
        of.resolved,
    )


def _passing(
    scribe: Scribe,
    entry: RecordEntry,
    of: object,
    profile: str,
    categories: list[str | Piece],
    what: Term,
    day: date,
    resolved: date | None,
) -> Iterator[Rendered]:
    bodies = [(entry.written, _condition(scribe, entry, what, categories, day, day, None))]
    if resolved and resolved > entry.written:
        bodies.append((resolved, _condition(scribe, entry, what, categories, day, day, resolved)))
    yield from scribe.versions("Condition", profile, of, bodies)


def _condition(
    scribe: Scribe,
    entry: RecordEntry,
    what: Term,
    categories: list[str | Piece],
    onset: date,
    recorded: date,
    resolved: date | None,
) -> Json:
    day = fhir.day(recorded)
    body: Json = {
        "extension": [{"url": ASSERTED, "valueDateTime": day}],
        "clinicalStatus": concepts.hl7("condition-clinical", "resolved" if resolved else "active"),
        "verificationStatus": concepts.hl7("condition-ver-status", "confirmed"),
        "category": [
            concepts.hl7("condition-category", each) if isinstance(each, str) else each for each in categories
        ],
        "code": concepts.named(what),
        "subject": scribe.subject,
        **scribe.encounter(entry),
        "onsetDateTime": fhir.day(onset),
    }
    if resolved:
        body["abatementDateTime"] = fhir.day(resolved)
    return body | {"recordedDate": day}


# --- procedures ------------------------------------------------------------------------------------


def procedure(scribe: Scribe, entry: RecordEntry, of: Done) -> Iterator[Rendered]:
    """Something done; a device that was left in the body is named."""
    # ICD-10-PCS names are public domain and published; HCPCS names here are our own wording
    code = concepts.named(of.what) if "ICD10" in of.what.system else concepts.worded(of.what)
    body: Json = {
        "status": "completed",
        "code": code,
        "subject": scribe.subject,
        **scribe.encounter(entry),
        "performedDateTime": fhir.day(of.day),
    }
    visit = entry.visit
    if visit:
        if visit.by:
            body["performer"] = [{"actor": fhir.reference("Practitioner", visit.by.id)}]
        body["location"] = fhir.reference("Location", location_of(visit.where.id))
        if visit.reasons:
            body["reasonCode"] = [concepts.named(visit.reasons[0])]
    if of.left:
        body["focalDevice"] = [{"manipulated": scribe.refer("Device", of.left)}]
    yield Rendered("Procedure", "procedure", scribe.ident("Procedure", of), body)
