"""The searches of a member's data: resource types, and the companion parameter each search needs.

Companions are what the guides require beside `patient` (US Core 6.1.0 server CapabilityStatement:
SHALL-support search combinations).
"""

from __future__ import annotations

WITHOUT: tuple[str, ...] = ("",)

SEARCHES: dict[str, tuple[str, ...]] = {
    "Coverage": WITHOUT,
    "ExplanationOfBenefit": WITHOUT,
    "AllergyIntolerance": WITHOUT,
    "CarePlan": ("category=assess-plan",),
    "CareTeam": ("status=active",),
    "Condition": (
        "category=encounter-diagnosis",
        "category=problem-list-item",
        "category=health-concern",
    ),
    "Device": WITHOUT,
    "DiagnosticReport": ("category=LAB",),
    "DocumentReference": ("category=clinical-note",),
    "Encounter": WITHOUT,
    "Goal": WITHOUT,
    "Immunization": WITHOUT,
    "MedicationDispense": WITHOUT,
    "MedicationRequest": ("intent=order",),
    "MedicationStatement": WITHOUT,
    "Observation": ("category=laboratory", "category=vital-signs", "category=social-history"),
    "Procedure": WITHOUT,
    "ServiceRequest": WITHOUT,
    "Specimen": WITHOUT,
    "FamilyMemberHistory": WITHOUT,
    "QuestionnaireResponse": WITHOUT,
    "RelatedPerson": WITHOUT,
    "Provenance": WITHOUT,
}
"""Type → companion parameters, one search each; the order of a sync. Other types come after them."""
