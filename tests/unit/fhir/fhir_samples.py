"""Resources as a payer stores them, for the tests of fhir and store."""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]
CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"


def patient(id: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id,
        "meta": {"versionId": "1", "lastUpdated": "2025-01-02T03:04:05Z"},
        "identifier": [{"system": "https://payer.example/members", "value": f"M-{id}"}],
        "name": [{"use": "official", "family": "García", "given": ["José", "Ana"]}],
        "gender": "female",
        "birthDate": "1960-04-03",
        **more,
    }


def coverage(id: str = "c1", of: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "Coverage",
        "id": id,
        "meta": {"lastUpdated": "2025-01-02T03:04:05Z"},
        "status": "active",
        "beneficiary": {"reference": f"Patient/{of}"},
        "payor": [{"reference": "Organization/payer"}],
        "period": {"start": "2024-01-01", "end": "2024-12-31"},
        **more,
    }


def eob(id: str = "e1", of: str = "p1", day: str = "2024-03-03", **more: Any) -> Resource:
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": id,
        "meta": {"lastUpdated": "2025-01-02T03:04:05Z"},
        "identifier": [{"system": "https://payer.example/claims", "value": f"CLM-{id}"}],
        "type": {"coding": [{"system": CLAIM_TYPE, "code": "professional"}]},
        "patient": {"reference": f"Patient/{of}"},
        "billablePeriod": {"start": day, "end": day},
        "insurer": {"reference": "Organization/payer"},
        "provider": {"reference": "Organization/clinic/_history/2"},
        "careTeam": [
            {"sequence": 1, "provider": {"reference": "Practitioner/dr"}},
            {"sequence": 2, "provider": {"reference": "https://h.example/fhir/Practitioner/dr"}},
        ],
        "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c1"}}],
        "item": [
            {"sequence": 1, "servicedDate": day},
            {"sequence": 2, "servicedPeriod": {"start": day, "end": "2024-04-01"}},
        ],
        "total": [{"amount": {"value": 200.5, "currency": "USD"}}],
        **more,
    }


def condition(id: str = "d1", of: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "Condition",
        "id": id,
        "meta": {"lastUpdated": "2025-01-02T03:04:05Z"},
        "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"}]},
        **more,
    }


def immunization(id: str = "i1", of: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "Immunization",
        "id": id,
        "patient": {"reference": f"Patient/{of}"},
        "status": "completed",
        **more,
    }


def encounter(id: str = "v1", of: str = "p1", **more: Any) -> Resource:
    return {"resourceType": "Encounter", "id": id, "subject": {"reference": f"Patient/{of}"}, **more}


def organization(id: str = "payer", name: str = "Juniper", **more: Any) -> Resource:
    return {
        "resourceType": "Organization",
        "id": id,
        "meta": {"lastUpdated": "2025-01-02T03:04:05Z"},
        "name": name,
        "address": [{"use": "work", "type": "postal", "line": ["1 Elm"], "city": "Zürich"}],
        **more,
    }


def practitioner(id: str = "dr", **more: Any) -> Resource:
    return {"resourceType": "Practitioner", "id": id, "name": [{"family": "Ng"}], **more}


def member(id: str = "p1") -> list[Resource]:
    """One member with everything the tests ask for; the shared resources come with `p1` only."""
    suffix = "" if id == "p1" else f"-{id}"
    own = [
        patient(id),
        coverage(f"c1{suffix}", id),
        eob(f"e1{suffix}", id, insurance=[{"coverage": {"reference": f"Coverage/c1{suffix}"}}]),
        eob(f"e2{suffix}", id, "2024-06-01", insurance=[{"coverage": {"reference": f"Coverage/c1{suffix}"}}]),
        condition(f"d1{suffix}", id, recordedDate="2024-02-01"),
        immunization(f"i1{suffix}", id, occurrenceString="as a child"),
    ]
    shared = [organization(), organization("clinic", "Clinic"), practitioner(), practitioner("nobody")]
    return own + shared if id == "p1" else own
