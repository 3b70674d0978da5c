"""FHIR data types: the small pieces that every renderer is made of.

A resource is a dictionary until it is finished. What comes again and again in it (a code, an amount, a
reference) is made once and shared: as a `Piece`, JSON already, or as a dictionary that nobody may change.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from sandbox.core.files import json_bytes
from sandbox.synth.facts import Address

Json = dict[str, Any]
Piece = orjson.Fragment

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
NPI = "http://hl7.org/fhir/sid/us-npi"
TAX = "urn:oid:2.16.840.1.113883.4.4"
UCUM = "http://unitsofmeasure.org"


def piece(value: Any) -> Piece:
    """A value as finished JSON, which costs nothing to write again."""
    return orjson.Fragment(json_bytes(value))


def resource(kind: str, ident: str, updated: str, *profiles: str) -> Json:
    """The head of a resource, in its first version.

    `profiles` are short names ("C4BB-Patient", "us-core-patient"), which `guides` makes canonicals of.
    """
    meta = {"versionId": "1", "lastUpdated": updated, "profile": profiles}
    return {"resourceType": kind, "id": ident, "meta": meta}


@lru_cache(maxsize=32768)
def day(day: date) -> str:
    """A `date`. A population has some thousands of days."""
    return day.isoformat()


_TIMES = tuple(f"T{14 + n // 60:02d}:{n % 60:02d}:{n % 60:02d}Z" for n in range(480))


def instant(when: date, order: int = 0) -> str:
    """A moment of a day in UTC. `order` sets things of one day apart, a minute and a second each."""
    return day(when) + _TIMES[order % 480]


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding], "text": text} if text else {"coding": [coding]}


@lru_cache(maxsize=16384)
def reference(kind: str, ident: str) -> Json:
    """A literal reference. It is shared."""
    return {"reference": f"{kind}/{ident}"}


@lru_cache(maxsize=32768)
def money(amount: Decimal) -> Piece:
    """Money in USD, with its two digits."""
    return orjson.Fragment(f'{{"value":{amount:.2f},"currency":"USD"}}')


def quantity(value: Decimal | int, unit: str | None = None, ucum: str | None = None) -> Piece:
    """A Quantity, with the digits of its value; with a UCUM code where there is one."""
    return _quantity(str(value), unit, ucum)  # not by the value: 5.0 and 5.00 are equal


@lru_cache(maxsize=32768)
def _quantity(digits: str, unit: str | None, ucum: str | None) -> Piece:
    quantity: Json = {"value": orjson.Fragment(digits)}
    if unit:
        quantity["unit"] = unit
    if ucum:
        quantity |= {"system": UCUM, "code": ucum}
    return piece(quantity)


def identifier(system: str, value: str, type_system: str, type_code: str) -> Json:
    return {"type": concept(type_system, type_code), "system": system, "value": value}


def typed(system: str, value: str, code: str) -> Json:
    """An Identifier with a type of HL7 table 0203 (NPI, TAX, MB, …)."""
    return identifier(system, value, TERMINOLOGY + "v2-0203", code)


def phone(number: str, use: str) -> Json:
    return {"system": "phone", "value": number, "use": use}


def address(address: Address, use: str | None = None) -> Json:
    start: Json = {"use": use} if use else {}
    return start | {
        "line": [address.line],
        "city": address.city,
        "state": address.state,
        "postalCode": address.postal_code,
        "country": "US",
    }
