"""Who is insured together: families, twins, a newborn, and what they share."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import islice
from random import Random
from typing import Any

import pytest
from unit.synth.dossiers import code, named, of_type

from sandbox.synth.config import name_pools
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember
from sandbox.synth.people import network
from sandbox.synth.people.household import PopulationContext
from sandbox.synth.population import Dossier, households


@pytest.fixture(scope="module")
def world(spec: Spec, today: date) -> PopulationContext:
    names = name_pools.sample(spec.names, 1, spec.payer.state)
    return PopulationContext(spec, network.build(spec, names, Random("1:network")), names, 1, today)


@pytest.fixture(scope="module")
def insured(world: PopulationContext) -> list[CoveredMember]:
    """The members among the first 2,000 households' people."""
    return [i.member for household in islice(households(world), 2000) for i in household if i.member]


def last(dossier: Dossier, kind: str) -> dict[str, Any]:
    """The newest version of the last resource of a type."""
    return of_type(dossier, kind)[-1]


def test_dependants_have_the_policies_of_the_subscriber(members: list[Dossier]) -> None:
    subscriber = last(named(members, "family"), "Coverage")
    assert code(subscriber["relationship"]) == "self"
    numbers = []
    for username, relationship in (("spouse", "spouse"), ("twin-one", "child"), ("newborn", "child")):
        theirs = last(named(members, username), "Coverage")
        assert theirs["subscriberId"] == subscriber["subscriberId"]
        assert theirs["class"] == subscriber["class"]
        assert code(theirs["relationship"]) == relationship
        numbers.append(theirs["dependent"])
    assert numbers == ["01", "02", "04"]


def test_the_subscriber_of_a_dependant_is_a_related_person_of_theirs(members: list[Dossier]) -> None:
    for username, role in (("spouse", "WIFE"), ("twin-two", "MTH")):
        dossier = named(members, username)
        assert dossier.account
        related = last(dossier, "RelatedPerson")
        assert last(dossier, "Coverage")["subscriber"]["reference"] == f"RelatedPerson/{related['id']}"
        assert related["patient"]["reference"] == f"Patient/{dossier.account.patient}"
        assert related["name"][0]["given"] == ["Rosa"]
        assert code(related["relationship"][0]) == role


def test_twins_are_born_on_the_same_day_to_the_same_mother(members: list[Dossier]) -> None:
    one, two = (named(members, f"twin-{n}") for n in ("one", "two"))
    assert last(one, "Patient")["birthDate"] == last(two, "Patient")["birthDate"]
    assert last(one, "Patient")["id"] != last(two, "Patient")["id"]
    assert last(one, "Coverage")["subscriberId"] == last(two, "Coverage")["subscriberId"]
    assert last(one, "Coverage")["dependent"] != last(two, "Coverage")["dependent"]


def test_a_newborn_is_covered_from_birth_and_heard_of_later(members: list[Dossier], today: date) -> None:
    baby = named(members, "newborn")
    patient, coverage = last(baby, "Patient"), last(baby, "Coverage")
    assert 0 < (today - date.fromisoformat(patient["birthDate"])).days <= 60
    assert coverage["period"] == {"start": patient["birthDate"]}
    assert patient["birthDate"] < patient["meta"]["lastUpdated"][:10] < today.isoformat()


def test_a_quarter_of_the_commercial_and_marketplace_members_are_dependants(
    insured: list[CoveredMember],
) -> None:
    for line in ("commercial", "qhp"):
        of = [m for m in insured if m.policies[-1].line == line]
        share = sum(m.household != m.number for m in of) / len(of)
        assert 0.2 < share < 0.32, line


def test_families_live_together_and_belong_to_one_household(insured: list[CoveredMember]) -> None:
    by_number = {m.number: m for m in insured}
    for member in insured:
        head = by_number[member.household]
        assert member.person.address == head.person.address
        assert member.person.family == head.person.family
        assert {p.plan.code for p in member.policies} <= {p.plan.code for p in head.policies}


def test_nobody_is_covered_before_birth_or_without_end_twice(insured: list[CoveredMember]) -> None:
    for member in insured:
        assert member.policies[0].start >= member.person.birth_date
        for policy, following in zip(member.policies, member.policies[1:], strict=False):
            assert policy.end is not None
            assert policy.start <= policy.end < following.start


def test_children_have_no_conditions_of_the_old(insured: list[CoveredMember], today: date) -> None:
    have = Counter(name for m in insured if m.age_on(today) < 18 for name in m.conditions)
    assert set(have) <= {"asthma", "anxiety"}
    assert have["asthma"]


def test_some_have_been_members_since_2016_some_moved_and_some_have_a_gap(
    insured: list[CoveredMember],
) -> None:
    # named members are in the file on purpose: these are the drawn ones
    drawn = insured[40:]
    assert sum(m.policies[0].start <= date(2016, 1, 1) for m in drawn) > len(drawn) / 20
    assert sum(len({p.line for p in m.policies}) > 1 for m in drawn) > len(drawn) / 20
    holes = [
        (b.start - a.end).days
        for m in drawn
        for a, b in zip(m.policies, m.policies[1:], strict=False)
        if a.end and (b.start - a.end).days > 1
    ]
    assert len(holes) > len(drawn) / 50
    assert 30 <= min(holes) <= max(holes) <= 160
