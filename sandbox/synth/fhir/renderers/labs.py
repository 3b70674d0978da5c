"""A lab panel: ServiceRequest, Specimen, Observations and their DiagnosticReport (US Core)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sandbox.synth.clinical.records import LabOrder, RecordEntry
from sandbox.synth.config.clinical_codes import SNOMED, LabPanel
from sandbox.synth.facts import Term
from sandbox.synth.facts.events import LabResult
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.resource_ids import Rendered, Scribe

BLOOD = Term(SNOMED, "119297000", "Blood")
ORDERED = concepts.coded(SNOMED, "108252007")  # a laboratory procedure


def panel(scribe: Scribe, entry: RecordEntry, lab_order: LabOrder) -> Iterator[Rendered]:
    """All that a panel leaves: the order, the specimen, a result for each test, the report."""
    first = lab_order.results[0].test.what
    kind = scribe.codes.lab_reports.get(lab_order.panel, LabPanel(first, BLOOD))
    drawn = f"{fhir.day(lab_order.day)}T17:30:00Z"
    encounter = scribe.encounter(entry)
    laboratory = fhir.reference("Organization", lab_order.laboratory.id)
    order = {
        "status": "completed",
        "intent": "order",
        "category": [ORDERED],
        "code": concepts.named(kind.report),
        "subject": scribe.subject,
        **encounter,
        "occurrenceDateTime": drawn,
        "authoredOn": fhir.day(lab_order.ordered),
        "requester": fhir.reference("Practitioner", (lab_order.requester or scribe.member.doctor).id),
        "performer": [laboratory],
        "specimen": [scribe.refer("Specimen", lab_order)],
    }
    if lab_order.reason:
        order["reasonCode"] = [concepts.named(lab_order.reason)]
    yield Rendered("ServiceRequest", "servicerequest", scribe.ident("ServiceRequest", lab_order), order)
    number = scribe.ident("Specimen", lab_order).upper()
    yield Rendered(
        "Specimen",
        "specimen",
        scribe.ident("Specimen", lab_order),
        {
            "identifier": [{"system": f"{scribe.base}/specimens", "value": number}],
            "accessionIdentifier": {"system": f"{scribe.base}/accessions", "value": f"A-{number}"},
            "status": "available",
            "type": concepts.worded(kind.specimen),
            "subject": scribe.subject,
            "collection": {"collectedDateTime": drawn},
        },
    )
    for result in lab_order.results:
        body = _result(scribe, lab_order, result, drawn, laboratory) | encounter
        yield Rendered("Observation", "observation-lab", scribe.ident("Observation", result), body)
    report = {
        "basedOn": [scribe.refer("ServiceRequest", lab_order)],
        "status": "final",
        "category": [concepts.hl7("v2-0074", "LAB")],
        "code": concepts.named(kind.report),
        "subject": scribe.subject,
        **encounter,
        "effectiveDateTime": drawn,
        "issued": f"{fhir.day(lab_order.day)}T21:00:00Z",
        "performer": [laboratory],
        "specimen": [scribe.refer("Specimen", lab_order)],
        "result": [scribe.refer("Observation", result) for result in lab_order.results],
    }
    yield Rendered(
        "DiagnosticReport", "diagnosticreport-lab", scribe.ident("DiagnosticReport", lab_order), report
    )


def _result(scribe: Scribe, order: LabOrder, result: LabResult, drawn: str, laboratory: Json) -> Json:
    test = result.test
    low, high = test.normal

    def measured(value: Decimal) -> Piece:
        return fhir.quantity(value, test.unit, test.ucum)

    body: Json = {
        "status": "final",
        "category": [concepts.LABORATORY],
        "code": concepts.named(test.what),
        "subject": scribe.subject,
        "effectiveDateTime": drawn,
        "performer": [laboratory],
    }
    if test.what.code in order.lost:
        body["dataAbsentReason"] = concepts.absent("error")
    else:
        flag = "L" if result.value < low else "H" if result.value > high else "N"
        body["valueQuantity"] = measured(result.value)
        body["interpretation"] = [concepts.hl7("v3-ObservationInterpretation", flag)]
    body["specimen"] = scribe.refer("Specimen", order)
    body["referenceRange"] = [{"low": measured(low), "high": measured(high)}]
    return body
