"""Named members are what their purpose says, whatever the seed: nothing else by chance, nothing missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from unit.synth.dossiers import code, explanations

from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate

Resource = dict[str, Any]
NAMED = 48
SEEDS = (1, 2)

COMPARTMENT = {
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "Device", "DiagnosticReport",
    "DocumentReference", "Encounter", "ExplanationOfBenefit", "Goal", "Immunization", "Media",
    "MedicationDispense", "MedicationRequest", "Observation", "Patient", "Procedure", "Provenance",
    "QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen",
}  # fmt: skip
"""Every type of the patient's compartment that the payer serves."""


def kind(eob: Resource) -> str:
    return code(eob["type"])


@pytest.fixture(scope="module", params=SEEDS)
def people(request: pytest.FixtureRequest, spec: Spec, today: date) -> dict[str, Dossier]:
    made = generate(spec, members=NAMED, seed=request.param, today=today)
    return {d.account.username: d for d in made if d.account}


@pytest.mark.slow
@pytest.mark.parametrize(
    "username", ["checkup", "inpatient", "emergency", "surgery", "vision", "dental", "compound", "voided"]
)
def test_who_is_there_for_one_story_is_denied_nothing_by_chance(
    people: dict[str, Dossier], username: str
) -> None:
    found = explanations(people[username])
    assert found
    assert {code(e["payment"]["type"]) for e in found} == {"paid"}


def test_the_checkups_cost_nothing(people: dict[str, Dossier]) -> None:
    for eob in explanations(people["checkup"]):
        amounts = {code(t["category"]): t["amount"]["value"] for t in eob["total"]}
        assert amounts["memberliability"] == 0 < amounts["benefit"]


def test_everything_has_every_type_of_the_compartment_today(people: dict[str, Dossier], today: date) -> None:
    seen = {
        r["resourceType"]
        for r in people["everything"].resources
        if r["meta"]["lastUpdated"] < today.isoformat()
    }
    assert seen == COMPARTMENT


def test_no_member_has_a_type_that_everything_lacks(members: list[Dossier]) -> None:
    assert {r["resourceType"] for d in members for r in d.resources} == COMPARTMENT


def test_what_a_record_surely_has_is_known_by_name(spec: Spec) -> None:
    codes = spec.codes
    known = {*codes.allergens, *codes.implants, *codes.questions}
    sure = [who.surely for who in spec.named if who.surely]
    assert sure
    assert all(names <= known for names in sure)


def born(dossier: Dossier) -> date:
    return next(
        date.fromisoformat(r["birthDate"]) for r in dossier.resources if r["resourceType"] == "Patient"
    )


def served(dossiers: list[Dossier]) -> Iterator[tuple[Resource, date, date]]:
    """Claim, first day of service, birth date."""
    for dossier in dossiers:
        for eob in explanations(dossier):
            yield eob, date.fromisoformat(eob["billablePeriod"]["start"]), born(dossier)


def test_nobody_is_served_before_birth(members: list[Dossier]) -> None:
    assert all(day >= birth for _, day, birth in served(members))


@pytest.mark.slow
def test_small_children_have_no_routine_eye_examinations_or_dentists(spec: Spec, today: date) -> None:
    """Not even where they are very frequent."""
    often = {name: 6.0 if name in ("vision-exam", "dental-checkup") else 0.0 for name in spec.stories}
    made = generate(replace(spec, stories=often), members=NAMED, seed=1, today=today)
    found = list(served([d for d in made if d.account]))
    ages = [(day - birth).days / 365.25 for eob, day, birth in found if kind(eob) in ("vision", "oral")]
    assert 3 <= min(ages) < 9


def test_a_newborn_has_nothing_but_care_of_its_own_age(people: dict[str, Dossier], today: date) -> None:
    newborn = people["newborn"]
    assert (today - born(newborn)).days == 45
    assert {kind(e) for e in explanations(newborn)} <= {"professional", "institutional", "pharmacy"}
