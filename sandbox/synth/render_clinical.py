"""Condition, Observation, Immunization, MedicationRequest (US Core 6.1.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.synth import elements as fhir
from sandbox.synth.elements import Json
from sandbox.synth.events import Event, Finding, LabResult, Prescription, Problem, Vaccination, Vitals
from sandbox.synth.facts import Member, Term

LOINC = "http://loinc.org"
SHORT_NAME = {"Condition": "cond", "Observation": "obs", "Immunization": "imm", "MedicationRequest": "med"}

PRESSURE = Term(LOINC, "85354-9", "Blood pressure panel with all children optional")
SYSTOLIC = Term(LOINC, "8480-6", "Systolic blood pressure")
DIASTOLIC = Term(LOINC, "8462-4", "Diastolic blood pressure")
WEIGHT = Term(LOINC, "29463-7", "Body weight")
HEIGHT = Term(LOINC, "8302-2", "Body height")
BMI = Term(LOINC, "39156-5", "Body mass index (BMI) [Ratio]")


def render(member: Member, events: Iterable[Event], today: date) -> Iterator[Json]:
    """Every event as one or more resources, by day; ids count within a type."""
    counts: dict[str, int] = {}
    # a stable sort: what a story made together stays together
    for event in sorted(events, key=lambda e: e.day):
        for kind, profile, body in RENDERERS[type(event)](member, event, today):
            counts[kind] = order = counts.get(kind, 0) + 1
            ident = f"{SHORT_NAME[kind]}-{member.number:04d}-{order:03d}"
            updated = _updated(event, today)
            yield fhir.resource(kind, ident, fhir.instant(updated, order), fhir.us_core(profile)) | body


Rendered = tuple[str, str, Json]
"""Resource type, US Core profile, and everything but the head."""


def _problem(member: Member, event: Problem, today: date) -> Iterator[Rendered]:
    body = _condition(member, event.what, "problem-list-item", "active")
    body |= {"onsetDateTime": event.onset.isoformat(), "recordedDate": event.day.isoformat()}
    yield "Condition", "condition-problems-health-concerns", body


def _finding(member: Member, event: Finding, today: date) -> Iterator[Rendered]:
    status = "resolved" if event.resolved else "active"
    body = _condition(member, event.what, "encounter-diagnosis", status)
    body["onsetDateTime"] = event.day.isoformat()
    if event.resolved:
        body["abatementDateTime"] = event.resolved.isoformat()
    body["recordedDate"] = event.day.isoformat()
    yield "Condition", "condition-encounter-diagnosis", body


def _condition(member: Member, what: Term, category: str, status: str) -> Json:
    return {
        "clinicalStatus": fhir.concept(fhir.TERMINOLOGY + "condition-clinical", status),
        "verificationStatus": fhir.concept(fhir.TERMINOLOGY + "condition-ver-status", "confirmed"),
        "category": [fhir.concept(fhir.TERMINOLOGY + "condition-category", category)],
        "code": fhir.term(what),
        "subject": fhir.reference("Patient", member.patient_id),
    }


def _lab(member: Member, event: LabResult, today: date) -> Iterator[Rendered]:
    low, high = event.test.normal
    flag = "L" if event.value < low else "H" if event.value > high else "N"

    def measured(value: Decimal) -> Json:
        return fhir.quantity(value, event.test.unit, event.test.ucum)

    yield (
        "Observation",
        "observation-lab",
        _observation(member, event.day, "laboratory", event.test.what)
        | {
            "performer": [fhir.reference("Organization", event.laboratory.id)],
            "valueQuantity": measured(event.value),
            "interpretation": [fhir.concept(fhir.TERMINOLOGY + "v3-ObservationInterpretation", flag)],
            "referenceRange": [{"low": measured(low), "high": measured(high)}],
        },
    )


def _vitals(member: Member, event: Vitals, today: date) -> Iterator[Rendered]:
    def vital(what: Term) -> Json:
        by = [fhir.reference("Practitioner", event.by.id)]
        return _observation(member, event.day, "vital-signs", what) | {"performer": by}

    parts = ((SYSTOLIC, event.systolic), (DIASTOLIC, event.diastolic))
    yield (
        "Observation",
        "blood-pressure",
        vital(PRESSURE)
        | {
            "component": [
                {"code": fhir.term(what), "valueQuantity": fhir.quantity(value, "mmHg", "mm[Hg]")}
                for what, value in parts
            ]
        },
    )
    if event.weight is None or event.height is None:
        return
    bmi = (event.weight * 10000 / (event.height * event.height)).quantize(Decimal("0.1"))
    for profile, what, quantity in (
        ("body-weight", WEIGHT, fhir.quantity(event.weight, "kg", "kg")),
        ("body-height", HEIGHT, fhir.quantity(event.height, "cm", "cm")),
        ("bmi", BMI, fhir.quantity(bmi, "kg/m2", "kg/m2")),
    ):
        yield "Observation", profile, vital(what) | {"valueQuantity": quantity}


def _observation(member: Member, day: date, category: str, what: Term) -> Json:
    return {
        "status": "final",
        "category": [fhir.concept(fhir.TERMINOLOGY + "observation-category", category)],
        "code": fhir.term(what),
        "subject": fhir.reference("Patient", member.patient_id),
        "effectiveDateTime": f"{day.isoformat()}T09:30:00Z",
    }


def _vaccination(member: Member, event: Vaccination, today: date) -> Iterator[Rendered]:
    yield (
        "Immunization",
        "immunization",
        {
            "status": "completed",
            "vaccineCode": fhir.worded(event.vaccine),
            "patient": fhir.reference("Patient", member.patient_id),
            "occurrenceDateTime": event.day.isoformat(),
            "primarySource": True,
            "performer": [{"actor": fhir.reference("Practitioner", event.by.id)}],
        },
    )


def _prescription(member: Member, event: Prescription, today: date) -> Iterator[Rendered]:
    drug = event.drug
    supply = fhir.quantity(event.days, "days", "d")
    yield (
        "MedicationRequest",
        "medicationrequest",
        {
            "status": "active" if event.active else "completed",
            "intent": "order",
            "category": [fhir.concept(fhir.TERMINOLOGY + "medicationrequest-category", "outpatient")],
            "reportedBoolean": False,
            "medicationCodeableConcept": fhir.term(drug.clinical),
            "subject": fhir.reference("Patient", member.patient_id),
            "authoredOn": event.day.isoformat(),
            "requester": fhir.reference("Practitioner", event.by.id),
            "reasonCode": [fhir.term(event.reason)],
            "dosageInstruction": [{"text": drug.take}],
            "dispenseRequest": {
                "numberOfRepeatsAllowed": event.refills,
                "quantity": fhir.quantity(event.quantity, drug.unit),
                "expectedSupplyDuration": supply,
            },
        },
    )


def _updated(event: Event, today: date) -> date:
    """The day the payer's copy was last written: when a passing condition was over, for instance."""
    resolved = event.resolved if isinstance(event, Finding) else None
    return min(resolved or event.day + timedelta(days=1), today - timedelta(days=1))


RENDERERS: dict[type, Callable[[Member, Any, date], Iterator[Rendered]]] = {
    Problem: _problem,
    Finding: _finding,
    LabResult: _lab,
    Vitals: _vitals,
    Vaccination: _vaccination,
    Prescription: _prescription,
}
"""Kind of event → renderer. The table may hold Any: each renderer names the event it takes."""
