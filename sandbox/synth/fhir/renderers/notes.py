"""Documents: DocumentReference, and DiagnosticReport with its Media and results (US Core)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from sandbox.synth.clinical.records import Note, RecordEntry, Tracing
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

CLINICAL_NOTE = concepts.coded(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note"
)
CARDIOLOGY = concepts.coded("http://loinc.org", "LP29708-2")
FORMAT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}
SMALLEST_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one gray pixel."""


def note(ids: ResourceIds, entry: RecordEntry, note: Note) -> Iterator[Rendered]:
    """A note on a visit, as a short text of our own."""
    visit = entry.visit
    assert visit is not None, "notes are written at visits"
    kind = ids.codes.notes[note.kind]
    seen_for = "; ".join(term.name for term in visit.reasons[:2]) or "a visit"
    text = f"{kind.name}, {fhir.day(visit.last)}\nSeen for: {seen_for}.\nPlan: as discussed.\n"
    number = ids.ident("DocumentReference", note).upper()
    author = [fhir.reference("Practitioner", visit.by.id)] if visit.by else []
    organization = fhir.reference("Organization", visit.where.id)
    body: Json = {
        "identifier": [{"system": f"{ids.base}/documents", "value": number}],
        "status": "current",
        "docStatus": "final",
        "type": concepts.named(kind),
        "category": [CLINICAL_NOTE],
        "subject": ids.subject,
        "date": f"{fhir.day(visit.last)}T20:00:00Z",
        "author": author or [organization],
        "custodian": organization,
        "content": [{"attachment": _text(text), "format": FORMAT}],
        "context": {
            "encounter": [ids.met(visit)],
            "period": {"start": fhir.day(visit.day), "end": fhir.day(visit.last)},
        },
    }
    yield ids.render("DocumentReference", "documentreference", note, body)


def tracing(ids: ResourceIds, entry: RecordEntry, tracing: Tracing) -> Iterator[Rendered]:
    """An electrocardiogram: the picture, what was seen on it, and the report."""
    studies = ids.codes.studies
    taken = f"{fhir.day(tracing.day)}T16:20:00Z"
    visit = entry.visit
    encounter = ids.encounter(entry)
    performer: list[Json] = []
    if visit:
        by = fhir.reference("Practitioner", visit.by.id) if visit.by else None
        performer = [by or fhir.reference("Organization", visit.where.id)]
    media = {
        "status": "completed",
        "type": concepts.hl7("media-type", "image"),
        "subject": ids.subject,
        **encounter,
        "createdDateTime": taken,
        "content": {"contentType": "image/png", "data": SMALLEST_PNG, "title": "Tracing"},
    }
    yield ids.render("Media", "", tracing, media)
    impression = "Regular rhythm." if tracing.interval else "Irregular rhythm, no P wave to measure from."
    seen: tuple[tuple[str, Json], ...] = (
        ("impression", {"valueString": impression}),
        ("interval", {"valueQuantity": fhir.quantity(tracing.interval, "ms", "ms")})
        if tracing.interval
        else ("interval", {"dataAbsentReason": concepts.absent("not-applicable")}),
    )
    for part, (name, value) in enumerate(seen):
        body = {
            "status": "final",
            "category": [concepts.PROCEDURE],
            "code": concepts.named(studies[name]),
            "subject": ids.subject,
            **encounter,
            "effectiveDateTime": taken,
            "performer": performer,
            **value,
        }
        yield ids.render("Observation", "observation-clinical-result", tracing, body, part)
    report = {
        "status": "final",
        "category": [CARDIOLOGY],
        "code": concepts.named(studies["report"]),
        "subject": ids.subject,
        **encounter,
        "effectiveDateTime": taken,
        "issued": f"{fhir.day(tracing.day)}T20:00:00Z",
        "performer": performer,
        "result": [ids.refer("Observation", tracing, part) for part in range(len(seen))],
        "media": [{"link": ids.refer("Media", tracing)}],
        "presentedForm": [_text(f"Electrocardiogram, {fhir.day(tracing.day)}\n{impression}\n")],
    }
    yield ids.render("DiagnosticReport", "diagnosticreport-note", tracing, report)


def _text(text: str) -> Json:
    data = b64encode(text.encode()).decode()
    return {"contentType": "text/plain; charset=utf-8", "language": "en-US", "data": data}
