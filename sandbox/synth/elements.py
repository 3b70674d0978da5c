"""FHIR data types as dictionaries: the small pieces that every renderer is made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.synth.facts import Address, Term

Json = dict[str, Any]

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
NPI = "http://hl7.org/fhir/sid/us-npi"
TAX = "urn:oid:2.16.840.1.113883.4.4"
UCUM = "http://unitsofmeasure.org"


def carin(name: str) -> str:
    """The short name of a CARIN Blue Button profile; `guides` makes the canonical of it."""
    return f"C4BB-{name}"


def us_core(name: str) -> str:
    """The short name of a US Core profile; `guides` makes the canonical of it."""
    return f"us-core-{name}"


def resource(kind: str, ident: str, updated: str, *profiles: str) -> Json:
    """The head of a resource, in its first version."""
    meta = {"versionId": "1", "lastUpdated": updated, "profile": list(profiles)}
    return {"resourceType": kind, "id": ident, "meta": meta}


def instant(day: date, order: int = 0) -> str:
    """A moment of a day in UTC. `order` sets things of one day apart, a minute and a second each."""
    minute = 14 * 60 + order % 480
    return f"{day.isoformat()}T{minute // 60:02d}:{minute % 60:02d}:{order % 60:02d}Z"


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding], "text": text} if text else {"coding": [coding]}


def term(of: Term) -> Json:
    """A CodeableConcept of a term whose name is the published one."""
    return concept(of.system, of.code, of.name, of.name)


def worded(of: Term) -> Json:
    """A CodeableConcept of a term whose name is our own wording: in the text, not in the coding."""
    return concept(of.system, of.code, text=of.name)


def reference(kind: str, ident: str) -> Json:
    return {"reference": f"{kind}/{ident}"}


def money(amount: Decimal) -> Json:
    return {"value": amount, "currency": "USD"}


def quantity(value: Decimal | int, unit: str | None = None, ucum: str | None = None) -> Json:
    """A Quantity; with a UCUM code where there is one."""
    found: Json = {"value": value}
    if unit:
        found["unit"] = unit
    if ucum:
        found |= {"system": UCUM, "code": ucum}
    return found


def identifier(system: str, value: str, type_system: str, type_code: str) -> Json:
    return {"type": concept(type_system, type_code), "system": system, "value": value}


def typed(system: str, value: str, code: str) -> Json:
    """An Identifier with a type of HL7 table 0203 (NPI, TAX, MB, …)."""
    return identifier(system, value, TERMINOLOGY + "v2-0203", code)


def phone(number: str, use: str) -> Json:
    return {"system": "phone", "value": number, "use": use}


def address(of: Address, use: str | None = None) -> Json:
    found: Json = {"use": use} if use else {}
    return found | {
        "line": [of.line],
        "city": of.city,
        "state": of.state,
        "postalCode": of.postal_code,
        "country": "US",
    }
