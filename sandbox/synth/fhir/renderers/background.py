"""AllergyIntolerance, Device and Immunization (US Core)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.synth.clinical.records import Allergy, Carried, ImmunizationRefusal, RecordEntry
from sandbox.synth.facts.events import Vaccination
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers.visits import location_of
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

DECLINED = concepts.hl7("v3-ActReason", "PATOBJ")


def allergy(ids: ResourceIds, entry: RecordEntry, allergy: Allergy) -> Iterator[Rendered]:
    allergen = allergy.allergen
    body: Json = {
        "clinicalStatus": concepts.hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": concepts.hl7("allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": [allergen.category],
        "criticality": "high" if allergen.severity == "severe" else "low",
        "code": concepts.named(allergen.what) if allergen.published else concepts.worded(allergen.what),
        "patient": ids.subject,
        **ids.encounter(entry),
        "onsetDateTime": str(allergy.onset),
        "recordedDate": fhir.day(allergy.day),
        "reaction": [{"manifestation": [concepts.worded(allergen.reaction)], "severity": allergen.severity}],
    }
    yield ids.render("AllergyIntolerance", "allergyintolerance", allergy, body)


def carried(ids: ResourceIds, entry: RecordEntry, device: Carried) -> Iterator[Rendered]:
    """A device in the body, with the made-up number on its label and all that the number says."""
    implant = device.implant
    expires = device.manufactured.replace(
        year=device.manufactured.year + implant.years, day=min(device.manufactured.day, 28)
    )
    dates = f"(11){device.manufactured:%y%m%d}(17){expires:%y%m%d}"
    label = f"(01){implant.device}{dates}(10){device.lot}(21){device.serial}"
    body: Json = {
        "udiCarrier": [
            {
                "deviceIdentifier": implant.device,
                "issuer": "http://hl7.org/fhir/NamingSystem/gs1-di",
                "jurisdiction": "http://hl7.org/fhir/NamingSystem/fda-udi",
                "carrierHRF": label,
                "entryType": "barcode",
            }
        ],
        "status": "active",
        "distinctIdentifier": f"{device.lot}-{device.serial}",
        "manufacturer": implant.maker,
        "manufactureDate": fhir.day(device.manufactured),
        "expirationDate": fhir.day(expires),
        "lotNumber": device.lot,
        "serialNumber": device.serial,
        "deviceName": [{"name": f"{implant.maker} {implant.model}", "type": "user-friendly-name"}],
        "modelNumber": implant.model,
        "type": concepts.worded(implant.what),
        "patient": ids.subject,
    }
    yield ids.render("Device", "implantable-device", device, body)


def vaccination(ids: ResourceIds, entry: RecordEntry, vaccination: Vaccination) -> Iterator[Rendered]:
    body: Json = {
        "status": "completed",
        "vaccineCode": concepts.worded(vaccination.vaccine),
        "patient": ids.subject,
        **ids.encounter(entry),
        "occurrenceDateTime": fhir.day(vaccination.day),
        "primarySource": True,
    }
    if entry.visit:
        body["location"] = fhir.reference("Location", location_of(entry.visit.where.id))
    body["performer"] = [{"actor": fhir.reference("Practitioner", vaccination.by.id)}]
    yield ids.render("Immunization", "immunization", vaccination, body)


def refusal(ids: ResourceIds, entry: RecordEntry, refusal: ImmunizationRefusal) -> Iterator[Rendered]:
    """A vaccination that did not happen, and why."""
    body: Json = {
        "status": "not-done",
        "statusReason": DECLINED,
        "vaccineCode": concepts.worded(refusal.vaccine),
        "patient": ids.subject,
        **ids.encounter(entry),
        "occurrenceDateTime": fhir.day(refusal.day),
        "primarySource": True,
    }
    yield ids.render("Immunization", "immunization", refusal, body)
