"""Signs that a resource is of another version of FHIR than R4.

Sources: the pages "R4 Diff" and "R3 Diff" of the resources (hl7.org/fhir/R4).
"""

from __future__ import annotations

from typing import Any

_TYPES = {
    "BodySite": "DSTU2 or STU3",
    "Conformance": "DSTU2",
    "DataElement": "DSTU2 or STU3",
    "DeviceComponent": "DSTU2 or STU3",
    "DeviceUseRequest": "DSTU2",
    "DiagnosticOrder": "DSTU2",
    "EligibilityRequest": "DSTU2 or STU3",
    "EligibilityResponse": "DSTU2 or STU3",
    "ExpansionProfile": "STU3",
    "ImagingManifest": "STU3",
    "ImagingObjectSelection": "DSTU2",
    "MedicationOrder": "DSTU2",
    "Order": "DSTU2",
    "OrderResponse": "DSTU2",
    "ProcedureRequest": "DSTU2 or STU3",
    "ProcessRequest": "DSTU2 or STU3",
    "ProcessResponse": "DSTU2 or STU3",
    "ReferralRequest": "DSTU2 or STU3",
    "Sequence": "STU3",
    "ServiceDefinition": "STU3",
    "ActorDefinition": "R5",
    "ArtifactAssessment": "R5",
    "BiologicallyDerivedProductDispense": "R5",
    "ClinicalUseDefinition": "R4B or R5",
    "ConditionDefinition": "R5",
    "DeviceAssociation": "R5",
    "DeviceUsage": "R5",
    "EncounterHistory": "R5",
    "FormularyItem": "R5",
    "GenomicStudy": "R5",
    "InventoryItem": "R5",
    "NutritionIntake": "R5",
    "SubscriptionTopic": "R4B or R5",
    "Transport": "R5",
}
"""Types that R4 does not have."""

_ELEMENTS = {
    "AllergyIntolerance": {"substance": "DSTU2", "assertedDate": "STU3", "participant": "R5"},
    "Appointment": {"incomingReferral": "STU3"},
    "CarePlan": {"context": "DSTU2 or STU3", "custodian": "R5"},
    "Claim": {"information": "STU3", "hospitalization": "STU3"},
    "Condition": {
        "patient": "DSTU2",
        "dateRecorded": "DSTU2",
        "assertedDate": "STU3",
        "context": "STU3",
        "participant": "R5",
    },
    "Coverage": {
        "bin": "DSTU2",
        "grouping": "STU3",
        "plan": "DSTU2",
        "kind": "R5",
        "paymentBy": "R5",
        "insurer": "R5",
    },
    "DiagnosticReport": {"context": "STU3", "codedDiagnosis": "DSTU2 or STU3", "image": "DSTU2 or STU3"},
    "DocumentReference": {
        "indexed": "DSTU2 or STU3",
        "created": "DSTU2 or STU3",
        "class": "DSTU2 or STU3",
        "attester": "R5",
    },
    "Encounter": {"patient": "DSTU2", "indication": "DSTU2", "actualPeriod": "R5", "admission": "R5"},
    "ExplanationOfBenefit": {"information": "STU3", "totalCost": "STU3", "hospitalization": "STU3"},
    "Goal": {"status": "DSTU2 or STU3"},
    "Immunization": {
        "date": "DSTU2 or STU3",
        "notGiven": "STU3",
        "wasNotGiven": "DSTU2",
        "informationSource": "R5",
    },
    "MedicationDispense": {"notDone": "STU3", "medication": "R5"},
    "MedicationRequest": {"context": "STU3", "definition": "STU3", "medication": "R5"},
    "MedicationStatement": {"taken": "STU3", "wasNotTaken": "DSTU2", "medication": "R5"},
    "Observation": {"comment": "STU3", "comments": "DSTU2", "related": "DSTU2 or STU3", "context": "STU3"},
    "Patient": {"animal": "DSTU2 or STU3", "careProvider": "DSTU2"},
    "Practitioner": {"practitionerRole": "DSTU2", "role": "STU3"},
    "Procedure": {
        "notDone": "STU3",
        "notPerformed": "DSTU2",
        "context": "STU3",
        "occurrenceDateTime": "R5",
        "occurrencePeriod": "R5",
    },
    "Provenance": {"period": "DSTU2 or STU3"},
}
"""Elements that R4 does not have, by type."""

_CODES = {"AllergyIntolerance": ("clinicalStatus", "verificationStatus"), "Condition": ("clinicalStatus",)}
"""Elements that are plain codes before R4."""


def other_version(resource: dict[str, Any]) -> tuple[str, str] | None:
    """The version that a resource is of, and the sign of it; None: R4, as far as can be told."""
    kind = resource["resourceType"]
    if kind in _TYPES:
        return _TYPES[kind], kind
    for name, version in _ELEMENTS.get(kind, {}).items():
        if name in resource:
            return version, f"{kind}.{name}"
    for name in _CODES.get(kind, ()):
        if isinstance(resource.get(name), str):
            return "DSTU2 or STU3", f"{kind}.{name} as a code"
    return None
