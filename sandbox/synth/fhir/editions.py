"""Differences between editions of the guides: CARIN Blue Button in claims, US Core 3.1.1 in the record.

What an edition looks into (`type`, `subSite`) is rendered as dictionaries, not as pieces.
"""

from __future__ import annotations

from functools import cache

from sandbox.core.files import json_bytes, json_exact
from sandbox.synth.fhir import concepts
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


# --- US Core 3.1.1: names of profiles, and elements that it does not allow ------------------------

NAMES_3_1_1: dict[str, str | None] = {
    "us-core-condition-encounter-diagnosis": "us-core-condition",
    "us-core-condition-problems-health-concerns": "us-core-condition",
    "us-core-coverage": None,
    "us-core-relatedperson": None,
    "us-core-medicationdispense": None,
    "us-core-servicerequest": None,
    "us-core-specimen": None,
    "us-core-questionnaireresponse": None,
    # vital signs have the profiles of R4 itself there
    "us-core-blood-pressure": "R4-bp",
    "us-core-body-height": "R4-bodyheight",
    "us-core-body-temperature": "R4-bodytemp",
    "us-core-body-weight": "R4-bodyweight",
    "us-core-bmi": "R4-bmi",
    "us-core-head-circumference": "R4-headcircum",
    "us-core-heart-rate": "R4-heartrate",
    "us-core-respiratory-rate": "R4-resprate",
    "us-core-observation-clinical-result": None,
    "us-core-observation-occupation": None,
    "us-core-observation-pregnancyintent": None,
    "us-core-observation-pregnancystatus": None,
    "us-core-observation-screening-assessment": None,
    "us-core-observation-sexual-orientation": None,
    "us-core-simple-observation": None,
}
"""Short name here → its name in US Core 3.1.1 (R4-…: a profile of R4; None: there is no such profile)."""


def team_without_relatives(team: Json) -> None:
    """A care team has practitioners, organizations and the patient."""
    kept = [p for p in team["participant"] if not p["member"]["reference"].startswith("RelatedPerson/")]
    team["participant"] = kept


def known_categories(resource: Json) -> None:
    """The edition has no code system of categories of its own: what had no other is a survey."""
    own = (concepts.SDOH, concepts.DISABILITY)
    kept = [c for c in resource["category"] if not any(c is own_category for own_category in own)]
    resource["category"] = kept or [concepts.SURVEY]


def observation_3_1_1(observation: Json) -> None:
    """The flow of oxygen is left out: R4's vital signs know no litres a minute."""
    if "component" in observation:
        parts = observation["component"]
        observation["component"] = [part for part in parts if part["code"] is not concepts.OXYGEN_FLOW]
    known_categories(observation)


def without_questionnaire_uri(response: Json) -> None:
    """The extension that says where a questionnaire is came later."""
    response.pop("_questionnaire", None)
