"""Medication, MedicationRequest and MedicationDispense (US Core)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from sandbox.synth.clinical.records import Dispensing, Order, RecordEntry
from sandbox.synth.facts import Drug
from sandbox.synth.facts.events import Prescription
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds


def medications(drugs: Iterable[Drug], written: date) -> Iterator[Json]:
    """One Medication for each drug: all members' orders share it."""
    for order, drug in enumerate(drugs):
        updated = fhir.instant(written, order)
        yield fhir.resource("Medication", _medication_of(drug), updated, "us-core-medication") | {
            "code": concepts.named(drug.clinical),
            "status": "active",
        }


def _medication_of(drug: Drug) -> str:
    return f"medication-{drug.clinical.code}"


def order(ids: ResourceIds, entry: RecordEntry, order: Order) -> Iterator[Rendered]:
    """An order: active, and completed in a second version once its supply is over."""
    by, drug = order.prescription.by, order.prescription.drug
    body: Json = {
        "status": "active",
        "intent": "order",
        "category": [concepts.hl7("medicationrequest-category", "outpatient")],
        "reportedBoolean": False,
        **_medicine(drug),
        "subject": ids.subject,
        **ids.encounter(entry),
        "authoredOn": fhir.day(order.day),
        "requester": fhir.reference("Practitioner", by.id),
        "reasonCode": [concepts.named(order.prescription.reason)],
        "dosageInstruction": [_dosage(drug)],
        "dispenseRequest": _supply(order.prescription),
    }
    bodies = [(entry.written, body)]
    if order.ends > entry.written:
        bodies.append((order.ends, body | {"status": "completed"}))
    yield from ids.versions("MedicationRequest", "medicationrequest", order, bodies)


def dispensing(ids: ResourceIds, entry: RecordEntry, dispensing: Dispensing) -> Iterator[Rendered]:
    """A fill. It names its order, which is always as old as the fill or older."""
    fill = dispensing.fill
    body: Json = {
        "status": "completed",
        **_medicine(fill.drug),
        "subject": ids.subject,
        "performer": [{"actor": fhir.reference("Organization", dispensing.pharmacy.id)}],
    }
    if dispensing.order:
        body["authorizingPrescription"] = [ids.refer("MedicationRequest", dispensing.order)]
        visit = ids.visit_of(dispensing.order)
        if visit:
            body["context"] = ids.met(visit)
    body |= {
        "type": concepts.hl7("v3-ActCode", "RF" if fill.number else "FF"),
        "quantity": fhir.quantity(fill.quantity, fill.unit),
        "daysSupply": fhir.quantity(fill.days, "days", "d"),
        "whenHandedOver": fhir.day(dispensing.day),
        "dosageInstruction": [_dosage(fill.drug)],
    }
    yield ids.render("MedicationDispense", "medicationdispense", dispensing, body)


def _medicine(drug: Drug) -> Json:
    # what has a brand is referred to, the rest is named on the spot: apps must be able to read both
    if drug.tier == "brand":
        return {"medicationReference": fhir.reference("Medication", _medication_of(drug))}
    return {"medicationCodeableConcept": concepts.named(drug.clinical)}


def _supply(prescription: Prescription) -> Json:
    return {
        "numberOfRepeatsAllowed": prescription.refills,
        "quantity": fhir.quantity(prescription.quantity, prescription.drug.unit),
        "expectedSupplyDuration": fhir.quantity(prescription.days, "days", "d"),
    }


def _dosage(drug: Drug) -> Json:
    return _dosage_of(drug.take, drug.unit, int(drug.per_day), drug.dose, drug.every)


@lru_cache(maxsize=512)
def _dosage_of(take: str, unit: str, per_day: int, at_once: int | None, every: int | None) -> Json:
    """Return a dosage: a dose every `every` days, single units each day, or two puffs twice a day."""
    times, dose, what = (per_day, 1, unit) if per_day else (2, 2, "puff")
    if at_once:
        times, dose, what = 1, at_once, unit
    return {
        "text": take,
        "timing": {"repeat": {"frequency": times, "period": every or 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": dose, "unit": what}}],
    }
