"""What editions of CARIN Blue Button want of a claim differently, and the claim without its money.

All of these change a resource in place, but only its own top level and lists: parts are shared.
"""

from __future__ import annotations

from functools import cache
from typing import Any

Resource = dict[str, Any]

BASIS = "-Basis"
VERSIONED = {"institutional", "oral", "pharmacy"}  # profiles that 2.2.0 binds to one claim type
CLAIM_TYPE_VERSION = "1.0.1"
SURFACES = "http://terminology.hl7.org/CodeSystem/ADAToothSurfaceCodes"


def edition_2_2(eob: Resource) -> None:
    """2.2.0 knows the type of a claim by a coding with a version, and has HL7's codes for tooth surfaces."""
    (coding,) = eob["type"]["coding"]
    code = coding["code"]
    if code in VERSIONED:
        eob["type"] = _versioned(coding["system"], code)
    if code == "oral":
        eob["item"] = [_surfaced(item) for item in eob["item"]]


@cache
def _versioned(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "version": CLAIM_TYPE_VERSION, "code": code}]}


def _surfaced(item: Resource) -> Resource:
    if "subSite" not in item:
        return item
    codes = [coding["code"] for site in item["subSite"] for coding in site["coding"]]
    return item | {"subSite": [{"coding": [{"system": SURFACES, "code": code}]} for code in codes]}


def without_money(eob: Resource) -> None:
    """The same claim for the non-financial profile: who, what, when and why, but no amount."""
    eob["meta"]["profile"] = [name + BASIS for name in eob["meta"]["profile"]]
    eob["adjudication"] = _reasons(eob["adjudication"])
    eob["item"] = [_item(item) for item in eob["item"]]
    del eob["total"]
    eob["payment"] = {key: value for key, value in eob["payment"].items() if key != "amount"}


def _item(item: Resource) -> Resource:
    found = {key: value for key, value in item.items() if key not in ("net", "adjudication")}
    reasons = _reasons(item.get("adjudication", []))
    return found | {"adjudication": reasons} if reasons else found


def _reasons(adjudication: list[Resource]) -> list[Resource]:
    return [entry for entry in adjudication if "amount" not in entry]
