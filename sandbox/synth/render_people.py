"""Patient, Organization, Practitioner (CARIN Blue Button 2.0.0 and US Core 6.1.0)."""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth.elements import Json
from sandbox.synth.facts import Member, Organisation, Practitioner, Term
from sandbox.synth.spec import Spec

ORGANIZATION_TYPE = {"payer": "pay", "ambulance": "other"}  # everything else is a provider
BIRTH_SEX = {"female": "F", "male": "M"}


def patient(spec: Spec, member: Member) -> Json:
    """A member as Patient, with the member id of the card."""
    person = member.person
    base = spec.payer["base"]
    return fhir.resource(
        "Patient",
        member.patient_id,
        fhir.instant(member.enrolled, member.number),
        fhir.carin("Patient"),
        fhir.us_core("patient"),
    ) | {
        "extension": [
            _category("race", person.race),
            _category("ethnicity", person.ethnicity),
            {"url": fhir.US_CORE + "birthsex", "valueCode": BIRTH_SEX[person.gender]},
        ],
        "identifier": [
            fhir.typed(f"{base}/member-id", member.policies[-1].member_id, "MB"),
            fhir.identifier(
                f"{base}/unique-member-id", f"{member.number:09d}", fhir.C4BB + "C4BBIdentifierType", "um"
            ),
        ],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [
            fhir.phone(person.phone, "mobile"),
            {"system": "email", "value": f"{member.patient_id}@member.example", "use": "home"},
        ],
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat(),
        "address": [fhir.address(person.address, "home")],
        "communication": [
            {"language": fhir.concept("urn:ietf:bcp:47", "en-US", text="English"), "preferred": True}
        ],
        "generalPractitioner": [fhir.reference("Practitioner", member.doctor.id)],
    }


def organization(spec: Spec, of: Organisation, updated: str) -> Json:
    """The payer or a provider organisation."""
    identifiers = [fhir.typed(fhir.TAX, of.tax_id, "TAX")]
    if of.npi:
        identifiers.insert(0, fhir.typed(fhir.NPI, of.npi, "NPI"))
    if of.payer_code:
        system = f"{spec.payer['base']}/payer-id"
        identifiers.append(
            fhir.identifier(system, of.payer_code, fhir.C4BB + "C4BBIdentifierType", "payerid")
        )
    kind = ORGANIZATION_TYPE.get(of.kind, "prov")
    return fhir.resource(
        "Organization", of.id, updated, fhir.carin("Organization"), fhir.us_core("organization")
    ) | {
        "identifier": identifiers,
        "active": True,
        "type": [fhir.concept(fhir.TERMINOLOGY + "organization-type", kind)],
        "name": of.name,
        "telecom": [fhir.phone(of.phone, "work")],
        "address": [fhir.address(of.address, "work")],
    }


def practitioner(of: Practitioner, updated: str) -> Json:
    """A clinician, with the NUCC specialty as a bare code."""
    return fhir.resource(
        "Practitioner", of.id, updated, fhir.carin("Practitioner"), fhir.us_core("practitioner")
    ) | {
        "identifier": [fhir.typed(fhir.NPI, of.npi, "NPI")],
        "active": True,
        "name": [{"use": "official", "family": of.family, "given": [of.given]}],
        "telecom": [fhir.phone(of.phone, "work")],
        "address": [fhir.address(of.address, "work")],
        "qualification": [{"code": fhir.concept("http://nucc.org/provider-taxonomy", of.specialty)}],
    }


def _category(name: str, of: Term) -> Json:
    """The US Core race or ethnicity extension with its OMB category."""
    return {
        "url": fhir.US_CORE + name,
        "extension": [
            {"url": "ombCategory", "valueCoding": {"system": of.system, "code": of.code, "display": of.name}},
            {"url": "text", "valueString": of.name},
        ],
    }
