"""The index of a population: one row for each login, to find a member to test with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from operator import attrgetter

from sandbox.synth.fhir.resource import Resource
from sandbox.synth.population import Dossier

PERSON = ("username", "password", "role", "line", "patient", "purpose")
TYPES = (
    "Patient",
    "RelatedPerson",
    "Coverage",
    "ExplanationOfBenefit",
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Immunization",
    "Media",
    "MedicationDispense",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ServiceRequest",
    "Specimen",
)
_person = attrgetter(*PERSON)
CLAIMS = ("inpatient", "outpatient", "professional", "vision", "pharmacy", "oral")


def rows(dossiers: Iterable[Dossier], today: date) -> Iterator[list[str]]:
    """A heading, then a row for each login: who it is, how many of each type and kind of claim.

    What is visible by the end of `today` counts, and the versions of one resource count once.
    Somebody who acts for a member has the counts of that member, who comes before them.
    """
    yield [*PERSON, *TYPES, *CLAIMS]
    counts: dict[str, list[str]] = {}
    for dossier in dossiers:
        account = dossier.account
        if account is None:
            continue
        if dossier.rendered:
            counts[account.patient] = list(_counts(dossier.rendered, today.isoformat()))
        shown = counts.get(account.patient) or list(_counts((), ""))  # nothing was visible yet
        yield [*_person(account), *shown]


def _counts(resources: Iterable[Resource], today: str) -> Iterator[str]:
    """How many of each of TYPES, then of each of CLAIMS."""
    current = {(r.type, r.claim, r.id) for r in resources if r.updated[:10] <= today}
    types = Counter(kind for kind, _, _ in current)
    claims = Counter(claim for _, claim, _ in current)
    yield from (str(types[name]) for name in TYPES)
    yield from (str(claims[name]) for name in CLAIMS)
