"""Every must-support element of the US Core 6.1.0 profiles we use is populated somewhere.

A path follows element names. `value[x]` is any type of a choice; `category:sdoh` are those categories
that have the code `sdoh` somewhere in them; `extension:url` goes by the last word of the url.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.synth.population import Dossier

VITAL = "status category:vital-signs category.coding.system category.coding.code code subject effective[x]"
SOCIAL = "status category:social-history code subject effective[x] value[x]"
VALUE = f"{VITAL} value[x]"

MUST_SUPPORT: dict[str, str] = {
    "us-core-allergyintolerance": (
        "clinicalStatus verificationStatus code patient reaction reaction.manifestation"
    ),
    "us-core-blood-pressure": (
        f"{VITAL} component component.code component.value[x] component.dataAbsentReason "
        "component:8480-6 component:8462-4"
    ),
    "us-core-bmi": VALUE,
    "us-core-body-height": VALUE,
    "us-core-body-temperature": VALUE,
    "us-core-body-weight": f"{VALUE} dataAbsentReason",
    "us-core-careplan": "text text.status text.div status intent category:assess-plan subject",
    "us-core-careteam": "status subject participant participant.role participant.member",
    "us-core-condition-encounter-diagnosis": (
        "extension:condition-assertedDate clinicalStatus verificationStatus category:encounter-diagnosis "
        "code subject encounter onset[x] abatement[x] recordedDate"
    ),
    "us-core-condition-problems-health-concerns": (
        "extension:condition-assertedDate clinicalStatus verificationStatus category:problem-list-item "
        "category:sdoh code subject onset[x] abatement[x] recordedDate"
    ),
    "us-core-diagnosticreport-lab": "status category:LAB code subject effective[x] issued performer result",
    "us-core-diagnosticreport-note": (
        "status category:LP29708-2 code subject encounter effective[x] issued performer result media "
        "media.link presentedForm"
    ),
    "us-core-documentreference": (
        "identifier status type category:clinical-note subject date author content content.attachment "
        "content.attachment.contentType content.attachment.data content.format context context.encounter "
        "context.period"
    ),
    "us-core-encounter": (
        "identifier identifier.system identifier.value status class type subject participant "
        "participant.type participant.period participant.individual period reasonCode reasonReference "
        "hospitalization hospitalization.dischargeDisposition location location.location serviceProvider"
    ),
    "us-core-goal": "lifecycleStatus description subject start[x] target target.due[x]",
    "us-core-heart-rate": VALUE,
    "us-core-immunization": "status statusReason vaccineCode patient occurrence[x] primarySource",
    "us-core-implantable-device": (
        "udiCarrier udiCarrier.deviceIdentifier udiCarrier.carrierHRF distinctIdentifier manufactureDate "
        "expirationDate lotNumber serialNumber type patient"
    ),
    "us-core-location": (
        "status name telecom address address.line address.city address.state address.postalCode "
        "managingOrganization"
    ),
    "us-core-medication": "code",
    "us-core-medicationdispense": (
        "status medicationCodeableConcept medicationReference subject performer performer.actor "
        "authorizingPrescription type quantity whenHandedOver dosageInstruction dosageInstruction.text "
        "dosageInstruction.timing dosageInstruction.doseAndRate dosageInstruction.doseAndRate.dose[x]"
    ),
    "us-core-medicationrequest": (
        "status intent category:outpatient reported[x] medicationCodeableConcept medicationReference subject "
        "encounter authoredOn requester dosageInstruction dosageInstruction.text dosageInstruction.timing "
        "dosageInstruction.doseAndRate dosageInstruction.doseAndRate.dose[x] dispenseRequest "
        "dispenseRequest.numberOfRepeatsAllowed dispenseRequest.quantity"
    ),
    "us-core-observation-clinical-result": (
        "status category:procedure code subject effective[x] value[x] dataAbsentReason"
    ),
    "us-core-observation-lab": (
        "status category:laboratory code subject effective[x] value[x] dataAbsentReason specimen"
    ),
    "us-core-observation-occupation": (
        "status category:social-history code subject value[x] component:86188-0 component.code"
    ),
    "us-core-observation-pregnancyintent": SOCIAL,
    "us-core-observation-pregnancystatus": SOCIAL,
    "us-core-observation-screening-assessment": (
        "status category:survey category:sdoh code subject effective[x] performer value[x] dataAbsentReason "
        "hasMember derivedFrom"
    ),
    "us-core-observation-sexual-orientation": "status code subject effective[x] value[x]",
    "us-core-procedure": "status code subject performed[x]",
    "us-core-provenance": (
        "target target.reference recorded agent agent.type agent.who agent.onBehalfOf "
        "agent:author agent:transmitter"
    ),
    "us-core-pulse-oximetry": (
        f"{VALUE} code.coding component component.code component.value[x] component:3151-8 component:3150-0"
    ),
    "us-core-questionnaireresponse": (
        "questionnaire _questionnaire.extension:us-core-extension-questionnaire-uri status subject authored "
        "author item item.linkId item.answer.value[x]"
    ),
    "us-core-respiratory-rate": VALUE,
    "us-core-servicerequest": (
        "status intent category:108252007 code subject occurrence[x] authoredOn requester"
    ),
    "us-core-simple-observation": (
        "status category:disability-status code subject effective[x] performer value[x]"
    ),
    "us-core-smokingstatus": SOCIAL,
    "us-core-specimen": "type subject",
    "pediatric-bmi-for-age": VALUE,
    "pediatric-weight-for-height": VALUE,
    "head-occipital-frontal-circumference-percentile": VALUE,
    "us-core-head-circumference": VALUE,
}
"""Short name of a profile → its must-support elements.

Left out: DocumentReference.content.attachment.url, because the guide asks for `data` or `url` and our
documents are small; the profiles of Patient, Coverage, Organization, Practitioner and RelatedPerson,
which are not clinical; PractitionerRole, because a payer's care teams name Practitioner and
Organization; participants of a component's value beyond those of the vital signs that have components.
"""


def by_profile(dossiers: list[Dossier]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for dossier in dossiers:
        for resource in dossier.resources:
            for canonical in resource["meta"]["profile"]:
                found.setdefault(canonical.rpartition("/")[2].partition("|")[0], []).append(resource)
    return found


@pytest.fixture(scope="module")
def profiles(dossiers: list[Dossier]) -> dict[str, list[dict[str, Any]]]:
    return by_profile(dossiers)


def values(node: Any, path: str) -> Iterator[Any]:
    """Everything at a path of a resource."""
    if isinstance(node, list):
        for each in node:
            yield from values(each, path)
        return
    first, _, rest = path.partition(".")
    name, _, slice_of = first.partition(":")
    choice = name.endswith("[x]")
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == name or (choice and key.startswith(name[:-3]) and key != name[:-3]):
            for each in value if isinstance(value, list) else [value]:
                if slice_of and slice_of not in codes(each):
                    continue
                if rest:
                    yield from values(each, rest)
                elif each not in (None, "", [], {}):
                    yield each


def codes(node: Any) -> set[str]:
    """All codes, and the last words of the urls, of an element and what is in it."""
    if isinstance(node, list):
        return {code for each in node for code in codes(each)}
    if not isinstance(node, dict):
        return set()
    own = {str(node[key]).rpartition("/")[2] for key in ("code", "url") if isinstance(node.get(key), str)}
    return own | {code for value in node.values() for code in codes(value)}


@pytest.mark.parametrize("profile", MUST_SUPPORT)
def test_every_must_support_element_is_populated(
    profiles: dict[str, list[dict[str, Any]]], profile: str
) -> None:
    resources = profiles.get(profile, [])
    assert resources, f"nobody has a resource of {profile}"
    missing = [
        path
        for path in MUST_SUPPORT[profile].split()
        if not any(True for r in resources for _ in values(r, path))
    ]
    assert not missing


def test_the_table_has_every_clinical_profile(profiles: dict[str, list[dict[str, Any]]]) -> None:
    administrative = {
        f"us-core-{name}"
        for name in (
            "patient",
            "coverage",
            "organization",
            "practitioner",
            "relatedperson",
            "practitionerrole",
        )
    }
    used = {name for name in profiles if not name.startswith("C4BB-")} - administrative - {"Media"}
    assert used == set(MUST_SUPPORT)


def test_both_kinds_of_medicine_and_of_visitor_are_there(profiles: dict[str, list[dict[str, Any]]]) -> None:
    """References that may point to several types do."""

    def kinds(profile: str, path: str) -> set[str]:
        found = (value for r in profiles[profile] for value in values(r, path))
        return {str(value["reference"]).partition("/")[0] for value in found}

    assert kinds("us-core-careteam", "participant.member") >= {"Practitioner", "Organization", "Patient"}
    assert kinds("us-core-provenance", "agent.who") == {"Practitioner", "Organization"}
    assert kinds("us-core-provenance", "target") >= {
        "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Device", "DiagnosticReport",
        "DocumentReference", "Encounter", "Goal", "Immunization", "MedicationDispense", "MedicationRequest",
        "Observation", "Procedure", "QuestionnaireResponse", "ServiceRequest", "Specimen",
    }  # fmt: skip
