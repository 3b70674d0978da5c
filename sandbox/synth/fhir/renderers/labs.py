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
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

BLOOD = Term(SNOMED, "119297000", "Blood")
ORDERED = concepts.coded(SNOMED, "108252007")  # a laboratory procedure


def panel(ids: ResourceIds, entry: RecordEntry, lab_order: LabOrder) -> Iterator[Rendered]:
    """All that a panel leaves: the order, the specimen, a result for each test, the report."""
    first = lab_order.results[0].test.what
    kind = ids.codes.lab_reports.get(lab_order.panel, LabPanel(first, BLOOD))
    drawn = f"{fhir.day(lab_order.day)}T17:30:00Z"
    encounter = ids.encounter(entry)
    laboratory = fhir.reference("Organization", lab_order.laboratory.id)
    order = {
        "status": "completed",
        "intent": "order",
        "category": [ORDERED],
        "code": concepts.named(kind.report),
        "subject": ids.subject,
        **encounter,
        "occurrenceDateTime": drawn,
        "authoredOn": fhir.day(lab_order.ordered),
        "requester": fhir.reference("Practitioner", (lab_order.requester or ids.member.doctor).id),
        "performer": [laboratory],
        "specimen": [ids.refer("Specimen", lab_order)],
    }
    if lab_order.reason:
        order["reasonCode"] = [concepts.named(lab_order.reason)]
    yield ids.render("ServiceRequest", "servicerequest", lab_order, order)
    number = ids.ident("Specimen", lab_order).upper()
    yield ids.render(
        "Specimen",
        "specimen",
        lab_order,
        {
            "identifier": [{"system": f"{ids.base}/specimens", "value": number}],
            "accessionIdentifier": {"system": f"{ids.base}/accessions", "value": f"A-{number}"},
            "status": "available",
            "type": concepts.worded(kind.specimen),
            "subject": ids.subject,
            "collection": {"collectedDateTime": drawn},
        },
    )
    for result in lab_order.results:
        body = _result(ids, lab_order, result, drawn, laboratory) | encounter
        yield ids.render("Observation", "observation-lab", result, body)
    report = {
        "basedOn": [ids.refer("ServiceRequest", lab_order)],
        "status": "final",
        "category": [concepts.hl7("v2-0074", "LAB")],
        "code": concepts.named(kind.report),
        "subject": ids.subject,
        **encounter,
        "effectiveDateTime": drawn,
        "issued": f"{fhir.day(lab_order.day)}T21:00:00Z",
        "performer": [laboratory],
        "specimen": [ids.refer("Specimen", lab_order)],
        "result": [ids.refer("Observation", result) for result in lab_order.results],
    }
    yield ids.render("DiagnosticReport", "diagnosticreport-lab", lab_order, report)


def _result(ids: ResourceIds, order: LabOrder, result: LabResult, drawn: str, laboratory: Json) -> Json:
    test = result.test
    low, high = test.normal

    def measured(value: Decimal) -> Piece:
        return fhir.quantity(value, test.unit, test.ucum)

    body: Json = {
        "status": "final",
        "category": [concepts.LABORATORY],
        "code": concepts.named(test.what),
        "subject": ids.subject,
        "effectiveDateTime": drawn,
        "performer": [laboratory],
    }
    if test.what.code in order.lost:
        body["dataAbsentReason"] = concepts.absent("error")
    else:
        flag = "L" if result.value < low else "H" if result.value > high else "N"
        body["valueQuantity"] = measured(result.value)
        body["interpretation"] = [concepts.hl7("v3-ObservationInterpretation", flag)]
    body["specimen"] = ids.refer("Specimen", order)
    body["referenceRange"] = [{"low": measured(low), "high": measured(high)}]
    return body
