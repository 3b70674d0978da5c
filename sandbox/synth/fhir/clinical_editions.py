"""Differences of US Core 3.1.1: names of profiles, and elements that it does not allow."""

from __future__ import annotations

from sandbox.synth.fhir import concepts
from sandbox.synth.fhir.elements import Json

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
