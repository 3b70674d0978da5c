"""Differences between editions of CARIN Blue Button in claims, and claims without amounts.

What an edition looks into (`type`, `subSite`) is rendered as dictionaries, not as pieces.
"""

from __future__ import annotations

from functools import cache

from sandbox.core.files import json_bytes, json_exact
from sandbox.synth.fhir.elements import Json, Piece, piece

BASIS = "-Basis"
VERSIONED = {"institutional", "oral", "pharmacy"}  # profiles that 2.2.0 binds to one claim type
CLAIM_TYPE_VERSION = "1.0.1"
SURFACES = "http://terminology.hl7.org/CodeSystem/ADAToothSurfaceCodes"


def edition_2_2(eob: Json) -> None:
    """Set the versioned claim type and HL7's codes for tooth surfaces of CARIN 2.2.0.

    The claim is changed in place, but only its own top level and lists: parts are shared.
    """
    (coding,) = eob["type"]["coding"]
    code = coding["code"]
    if code in VERSIONED:
        eob["type"] = _versioned(coding["system"], code)
    if code == "oral":
        eob["item"] = [_surfaced(item) for item in eob["item"]]


@cache
def _versioned(system: str, code: str) -> Piece:
    return piece({"coding": [{"system": system, "version": CLAIM_TYPE_VERSION, "code": code}]})


def _surfaced(item: Json) -> Json:
    if "subSite" not in item:
        return item
    codes = [coding["code"] for site in item["subSite"] for coding in site["coding"]]
    return item | {"subSite": [{"coding": [{"system": SURFACES, "code": code}]} for code in codes]}


def without_money(eob: Json) -> Json:
    """The same claim for the non-financial profile: who, what, when and why, but no amount.

    Amounts are deep inside of finished pieces, so the claim is taken apart for it.
    """
    copy: Json = json_exact(json_bytes(eob))
    copy["adjudication"] = _reasons(copy["adjudication"])
    copy["item"] = [_item(item) for item in copy["item"]]
    del copy["total"], copy["payment"]["amount"]
    return copy


def _item(item: Json) -> Json:
    without_amounts = {key: value for key, value in item.items() if key not in ("net", "adjudication")}
    reasons = _reasons(item.get("adjudication", []))
    return without_amounts | {"adjudication": reasons} if reasons else without_amounts


def _reasons(adjudication: list[Json]) -> list[Json]:
    return [entry for entry in adjudication if "amount" not in entry]
