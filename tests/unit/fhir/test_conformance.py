"""What the build-time check of a single resource catches."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from support.conformance import validate

CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-"
C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def meta(profile: str) -> dict[str, Any]:
    return {"lastUpdated": "2025-03-11T14:02:00Z", "profile": [profile]}


SUBMITTED = {
    "category": concept("http://terminology.hl7.org/CodeSystem/adjudication", "submitted"),
    "amount": {"value": Decimal("200.00"), "currency": "USD"},
}
IN_NETWORK = {
    "category": concept(C4BB + "C4BBAdjudicationDiscriminator", "benefitpaymentstatus"),
    "reason": concept(C4BB + "C4BBPayerAdjudicationStatus", "innetwork"),
}
EOB: dict[str, Any] = {
    "resourceType": "ExplanationOfBenefit",
    "id": "eob-1",
    "meta": meta(f"{CARIN}ExplanationOfBenefit-Professional-NonClinician|2.0.0"),
    "identifier": [
        {"type": concept(C4BB + "C4BBIdentifierType", "uc"), "system": "https://p.example", "value": "1"}
    ],
    "status": "active",
    "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
    "use": "claim",
    "patient": {"reference": "Patient/p"},
    "billablePeriod": {"start": "2025-03-03"},
    "created": "2025-03-10",
    "insurer": {"reference": "Organization/o"},
    "provider": {"reference": "Organization/q"},
    "outcome": "complete",
    "diagnosis": [
        {"sequence": 1, "diagnosisCodeableConcept": concept("http://hl7.org/fhir/sid/icd-10-cm", "Z00.00")}
    ],
    "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c"}}],
    "item": [
        {
            "sequence": 1,
            "productOrService": concept("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "G0438"),
            "servicedDate": "2025-03-03",
            "locationCodeableConcept": concept("https://www.cms.gov/place", "11"),
            "adjudication": [SUBMITTED, IN_NETWORK],
        }
    ],
    "total": [SUBMITTED],
}


def test_a_good_claim_has_nothing_wrong() -> None:
    assert validate(EOB) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("meta", "profile"), "meta.profile is there"),
        (("meta", "lastUpdated"), "meta.lastUpdated is there"),
        (("identifier",), "an identifier of type uc is there"),
        (("billablePeriod",), "billablePeriod.start is there"),
        (("insurance", 0, "focal"), "exactly one insurance is focal"),
        (("total",), "total has an amount"),
        (("diagnosis",), "there is a diagnosis"),
        (("item", 0, "locationCodeableConcept"), "every item says where it was"),
        (("item", 0, "servicedDate"), "every item has a day"),
        (("item", 0, "adjudication", 0), "amounts are in every item or in the header, never both"),
        (("item", 0, "adjudication", 1), "every item has a benefitpaymentstatus"),
    ],
)
def test_what_is_missing_is_told(path: tuple[str | int, ...], told: str) -> None:
    broken: Any = copy.deepcopy(EOB)
    target = broken
    for step in path[:-1]:
        target = target[step]
    del target[path[-1]]
    assert f"ExplanationOfBenefit: {told}" in validate(broken)


def test_a_profile_without_a_version_is_told() -> None:
    unversioned = EOB | {"meta": meta(f"{CARIN}ExplanationOfBenefit-Professional-NonClinician")}
    assert validate(unversioned) == [
        "ExplanationOfBenefit: meta.profile names a CARIN profile with its version"
    ]


def test_a_pharmacy_claim_needs_its_supporting_information() -> None:
    pharmacy = EOB | {"type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "pharmacy")}
    told = validate(pharmacy)
    assert "ExplanationOfBenefit: adjudication has a benefitpaymentstatus" in told
    assert any("dayssupply" in line for line in told)


def test_the_structure_is_checked_too() -> None:
    told = validate(EOB | {"outcome": ["complete"], "colour": "blue"})
    assert any(line.startswith("ExplanationOfBenefit.colour") for line in told)
    assert any(line.startswith("ExplanationOfBenefit.outcome") for line in told)


def test_what_is_not_a_resource_is_told() -> None:
    assert validate({"resourceType": "Nonsense"})[0] == "Nonsense: not a resource type of R4"
    assert validate({})[0] == "no resourceType: not a resource type of R4"
