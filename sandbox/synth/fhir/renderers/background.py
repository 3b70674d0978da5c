"""AllergyIntolerance, Device and Immunization (US Core)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.synth.clinical.records import Allergy, Carried, ImmunizationRefusal, RecordEntry
from sandbox.synth.facts.events import Vaccination
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers.visits import location_of
from sandbox.synth.fhir.resource_ids import Rendered, Scribe

DECLINED = concepts.hl7("v3-ActReason", "PATOBJ")


def allergy(scribe: Scribe, entry: RecordEntry, of: Allergy) -> Iterator[Rendered]:
    allergen = of.allergen
    body: Json = {
        "clinicalStatus": concepts.hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": concepts.hl7("allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": [allergen.category],
        "criticality": "high" if allergen.severity == "severe" else "low",
        "code": concepts.named(allergen.what) if allergen.published else concepts.worded(allergen.what),
        "patient": scribe.subject,
        **scribe.encounter(entry),
        "onsetDateTime": str(of.onset),
        "recordedDate": fhir.day(of.day),
        "reaction": [{"manifestation": [concepts.worded(allergen.reaction)], "severity": allergen.severity}],
    }
    yield Rendered("AllergyIntolerance", "allergyintolerance", scribe.ident("AllergyIntolerance", of), body)


def carried(scribe: Scribe, entry: RecordEntry, of: Carried) -> Iterator[Rendered]:
    """A device in the body, with the made-up number on its label and all that the number says."""
    implant = of.implant
    expires = of.made.replace(year=of.made.year + implant.years, day=min(of.made.day, 28))
    label = f"(01){implant.device}(11){of.made:%y%m%d}(17){expires:%y%m%d}(10){of.lot}(21){of.serial}"
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
        "distinctIdentifier": f"{of.lot}-{of.serial}",
        "manufacturer": implant.maker,
        "manufactureDate": fhir.day(of.made),
        "expirationDate": fhir.day(expires),
        "lotNumber": of.lot,
        "serialNumber": of.serial,
        "deviceName": [{"name": f"{implant.maker} {implant.model}", "type": "user-friendly-name"}],
        "modelNumber": implant.model,
        "type": concepts.worded(implant.what),
        "patient": scribe.subject,
    }
    yield Rendered("Device", "implantable-device", scribe.ident("Device", of), body)


def vaccination(scribe: Scribe, entry: RecordEntry, of: Vaccination) -> Iterator[Rendered]:
    body: Json = {
        "status": "completed",
        "vaccineCode": concepts.worded(of.vaccine),
        "patient": scribe.subject,
        **scribe.encounter(entry),
        "occurrenceDateTime": fhir.day(of.day),
        "primarySource": True,
    }
    if entry.visit:
        body["location"] = fhir.reference("Location", location_of(entry.visit.where.id))
    body["performer"] = [{"actor": fhir.reference("Practitioner", of.by.id)}]
    yield Rendered("Immunization", "immunization", scribe.ident("Immunization", of), body)


def refusal(scribe: Scribe, entry: RecordEntry, of: ImmunizationRefusal) -> Iterator[Rendered]:
    """A vaccination that did not happen, and why."""
    body: Json = {
        "status": "not-done",
        "statusReason": DECLINED,
        "vaccineCode": concepts.worded(of.vaccine),
        "patient": scribe.subject,
        **scribe.encounter(entry),
        "occurrenceDateTime": fhir.day(of.day),
        "primarySource": True,
    }
    yield Rendered("Immunization", "immunization", scribe.ident("Immunization", of), body)
