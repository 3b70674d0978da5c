"""Vital signs as Observations (US Core): what the stories measured, and what visits add."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from sandbox.synth.clinical.records import Growth, Measured, RecordEntry, Signs
from sandbox.synth.facts import Practitioner, Term
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

LOINC = "http://loinc.org"

PRESSURE = concepts.named(Term(LOINC, "85354-9", "Blood pressure panel with all children optional"))
SYSTOLIC = concepts.named(Term(LOINC, "8480-6", "Systolic blood pressure"))
DIASTOLIC = concepts.named(Term(LOINC, "8462-4", "Diastolic blood pressure"))
WEIGHT = concepts.named(Term(LOINC, "29463-7", "Body weight"))
HEIGHT = concepts.named(Term(LOINC, "8302-2", "Body height"))
BMI = concepts.named(Term(LOINC, "39156-5", "Body mass index (BMI) [Ratio]"))
PULSE = concepts.named(Term(LOINC, "8867-4", "Heart rate"))
BREATHS = concepts.named(Term(LOINC, "9279-1", "Respiratory rate"))
TEMPERATURE = concepts.named(Term(LOINC, "8310-5", "Body temperature"))
CONCENTRATION = concepts.named(Term(LOINC, "3150-0", "Inhaled oxygen concentration"))
HEAD = concepts.named(Term(LOINC, "9843-4", "Head Occipital-frontal circumference"))
HEAD_PERCENTILE = concepts.named(Term(LOINC, "8289-1", "Head Occipital-frontal circumference Percentile"))
BMI_PERCENTILE = concepts.named(Term(LOINC, "59576-9", "Body mass index (BMI) [Percentile] Per age and sex"))
WEIGHT_PERCENTILE = concepts.named(Term(LOINC, "77606-2", "Weight-for-length Per age and sex"))
OXYGEN = fhir.piece(
    {
        "coding": [
            {
                "system": LOINC,
                "code": "59408-5",
                "display": "Oxygen saturation in Arterial blood by Pulse oximetry",
            },
            {"system": LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"},
        ],
        "text": "Oxygen saturation by pulse oximetry",
    }
)
ROOM_AIR = 21  # percent of oxygen


def vitals(ids: ResourceIds, entry: RecordEntry, measured: Measured) -> Iterator[Rendered]:
    """Blood pressure; weight, height and what follows from them where they were taken."""
    vitals = measured.vitals
    head = _head(ids, entry, vitals.day, vitals.by)
    diastolic: Json = {"code": DIASTOLIC}
    if measured.heard:
        diastolic["valueQuantity"] = fhir.quantity(vitals.diastolic, "mmHg", "mm[Hg]")
    else:
        diastolic["dataAbsentReason"] = concepts.absent("error")
    parts = [{"code": SYSTOLIC, "valueQuantity": fhir.quantity(vitals.systolic, "mmHg", "mm[Hg]")}, diastolic]
    yield _vital(ids, vitals, 0, "blood-pressure", head, PRESSURE, {"component": parts})
    if vitals.weight is None:
        return
    declined: Json = {"dataAbsentReason": concepts.absent("asked-declined")}
    weight = _value(vitals.weight, "kg", "kg") if measured.weighed else declined
    yield _vital(ids, vitals, 1, "body-weight", head, WEIGHT, weight)
    if vitals.height is not None:
        yield _vital(ids, vitals, 2, "body-height", head, HEIGHT, _value(vitals.height, "cm", "cm"))
    if vitals.height is not None and measured.weighed:
        bmi = (vitals.weight * 10000 / (vitals.height * vitals.height)).quantize(Decimal("0.1"))
        yield _vital(ids, vitals, 3, "bmi", head, BMI, _value(bmi, "kg/m2", "kg/m2"))


def signs(ids: ResourceIds, entry: RecordEntry, signs: Signs) -> Iterator[Rendered]:
    """Pulse, breaths, temperature and oxygen of somebody who is ill."""
    head = _head(ids, entry, signs.day, entry.visit.by if entry.visit else None)
    yield _vital(ids, signs, 0, "heart-rate", head, PULSE, _value(signs.pulse, "beats/minute", "/min"))
    yield _vital(
        ids, signs, 1, "respiratory-rate", head, BREATHS, _value(signs.breaths, "breaths/minute", "/min")
    )
    yield _vital(ids, signs, 2, "body-temperature", head, TEMPERATURE, _value(signs.temperature, "C", "Cel"))
    body = _value(signs.oxygen, "%", "%")
    if signs.flow is not None:
        body["component"] = [
            {"code": concepts.OXYGEN_FLOW} | _value(signs.flow, "L/min", "L/min"),
            {"code": CONCENTRATION} | _value(ROOM_AIR + 4 * signs.flow, "%", "%"),
        ]
    yield _vital(ids, signs, 3, "pulse-oximetry", head, OXYGEN, body)


def growth(ids: ResourceIds, entry: RecordEntry, growth: Growth) -> Iterator[Rendered]:
    """Percentiles of a child. Their profiles of US Core are not named `us-core-…`."""
    head = _head(ids, entry, growth.day, entry.visit.by if entry.visit else None)
    shares = (
        (growth.bmi, "/pediatric-bmi-for-age", BMI_PERCENTILE),
        (growth.weight, "/pediatric-weight-for-height", WEIGHT_PERCENTILE),
        (growth.head_percentile, "/head-occipital-frontal-circumference-percentile", HEAD_PERCENTILE),
    )
    for part, (value, profile, code) in enumerate(shares):
        if value is not None:
            yield _vital(ids, growth, part, profile, head, code, _value(value, "%", "%"))
    if growth.head is not None:
        yield _vital(ids, growth, 3, "head-circumference", head, HEAD, _value(growth.head, "cm", "cm"))


def _head(ids: ResourceIds, entry: RecordEntry, day: date, by: Practitioner | None) -> Json:
    head: Json = {
        "status": "final",
        "category": [concepts.VITAL],
        "code": None,
        "subject": ids.subject,
        **ids.encounter(entry),
        "effectiveDateTime": f"{fhir.day(day)}T16:10:00Z",
    }
    if by:
        head["performer"] = [fhir.reference("Practitioner", by.id)]
    return head


def _vital(
    ids: ResourceIds, fact: object, part: int, profile: str, head: Json, code: Piece, body: Json
) -> Rendered:
    return ids.render("Observation", profile, fact, {**head, "code": code, **body}, part)


def _value(value: Decimal | int, unit: str, ucum: str) -> Json:
    return {"valueQuantity": fhir.quantity(value, unit, ucum)}
