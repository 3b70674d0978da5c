"""The same inputs give the same bytes, and what is made holds together."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from unit.synth.dossiers import codings, elements, references

from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.core.payer import BASELINE
from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate

pytestmark = pytest.mark.slow

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_bytes(dossiers: list[Dossier]) -> list[bytes]:
    return [json_bytes(list(d.resources)) for d in dossiers]


def test_two_runs_give_the_same_bytes(spec: Spec, dossiers: list[Dossier], today: date) -> None:
    again = list(generate(spec, members=100, seed=1, today=today))
    assert as_bytes(again) == as_bytes(dossiers)
    assert [d.account for d in again] == [d.account for d in dossiers]


def test_another_seed_gives_other_people(spec: Spec, dossiers: list[Dossier], today: date) -> None:
    other = list(generate(spec, members=60, seed=2, today=today))
    assert other[60].account != dossiers[60].account


@pytest.mark.parametrize("count", [1, 7, 15, 17, 40, 62, 77])  # 15 and 17 cut the family with names
def test_members_do_not_change_when_there_are_more(
    spec: Spec, dossiers: list[Dossier], today: date, count: int
) -> None:
    fewer = list(generate(spec, members=count, seed=1, today=today))
    assert len(fewer) == count + 1
    assert as_bytes(fewer) == as_bytes(dossiers[: count + 1])


def test_the_network_comes_first_and_has_no_account(dossiers: list[Dossier]) -> None:
    assert dossiers[0].account is None
    assert {r["resourceType"] for r in dossiers[0].resources} == {
        "Organization",
        "Practitioner",
        "Location",
        "Medication",
    }
    assert all(d.account for d in dossiers[1:])


@pytest.mark.parametrize("count", [0, -3])
def test_a_population_of_nobody_is_refused_at_once(spec: Spec, today: date, count: int) -> None:
    with pytest.raises(UsageError, match=f"at least 1 member, not {count}"):
        generate(spec, members=count, seed=1, today=today)


def test_a_story_that_nobody_tells_is_refused(spec: Spec, today: date) -> None:
    with pytest.raises(UsageError, match="no story 'holiday'; use one of preventive-visit, "):
        generate(replace(spec, stories={"holiday": 1.0}), members=1, seed=1, today=today)


def test_the_payer_is_the_one_of_the_baseline(resources: list[dict[str, Any]]) -> None:
    assert resources[0]["name"] == BASELINE.name


def test_ids_are_unique_and_valid(resources: list[dict[str, Any]]) -> None:
    keys = Counter((r["resourceType"], r["id"], r["meta"]["versionId"]) for r in resources)
    assert max(keys.values()) == 1
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", r["id"]) for r in resources)


def test_every_reference_resolves(resources: list[dict[str, Any]]) -> None:
    known = {f"{r['resourceType']}/{r['id']}" for r in resources}
    told = {value for r in resources for value in references(r)}
    assert told, "there are references"
    assert told <= known


def test_members_refer_only_to_themselves_and_the_network(dossiers: list[Dossier]) -> None:
    shared = {f"{r['resourceType']}/{r['id']}" for r in dossiers[0].resources}
    for dossier in dossiers[1:]:
        own = {f"{r['resourceType']}/{r['id']}" for r in dossier.resources}
        told = {value for r in dossier.resources for value in references(r)}
        assert told <= shared | own


PLANNED = {"payment", "dueDate", "expirationDate"}  # days that are known before they come


def test_nothing_is_told_before_it_happened(resources: list[dict[str, Any]]) -> None:
    for resource in resources:
        if resource["resourceType"] == "Coverage":  # a coverage may be known before it starts or ends
            continue
        told = {k: v for k, v in resource.items() if k not in PLANNED}
        texts = [v for k, v in elements(told) if isinstance(v, str) and k not in PLANNED]
        days = [text for text in texts if re.match(DAY, text)]
        assert max(days)[:10] == resource["meta"]["lastUpdated"][:10], resource["id"]


def test_everybody_covered_has_something_to_see_today_and_something_new_later(
    members: list[Dossier], today: date
) -> None:
    for dossier in members:
        assert dossier.account
        told = [r["meta"]["lastUpdated"][:10] for r in dossier.resources]
        if dossier.account.role != "representative":
            assert min(told) < today.isoformat(), dossier.account
        if dossier.account.username.startswith("member-"):
            assert max(told) > today.isoformat(), dossier.account


def test_every_resource_says_its_profile_version_and_time(resources: list[dict[str, Any]]) -> None:
    for resource in resources:
        meta = resource["meta"]
        assert meta["versionId"].isdigit()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["lastUpdated"])
        assert all(re.search(r"\|(2\.0\.0|6\.1\.0|4\.0\.1)$", p) for p in meta["profile"]), meta["profile"]


def test_members_have_enough_to_look_at(members: list[Dossier], today: date) -> None:
    counts = [
        Counter(r["resourceType"] for r in d.resources if r["meta"]["lastUpdated"] < today.isoformat())
        for d in members
        if d.account and d.account.role == "eligible" and d.account.username.startswith("member-")
    ]
    claims = sorted(c["ExplanationOfBenefit"] for c in counts)
    clinical = sorted(
        sum(c[t] for t in ("Condition", "Observation", "Immunization", "MedicationRequest")) for c in counts
    )
    assert claims[0] >= 2
    assert 15 <= claims[len(claims) // 2] <= 40
    assert 25 <= clinical[len(clinical) // 2] <= 75


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2025, 1, 1), date(2025, 12, 31), date(2031, 7, 15)])
def test_any_day_can_be_today(spec: Spec, day: date) -> None:
    made = list(generate(spec, members=60, seed=1, today=day))
    assert all(d.account and any(s.covers(day) for s in d.account.spans) for d in made[14:])


def test_licensed_descriptions_are_not_shipped(resources: list[dict[str, Any]]) -> None:
    licensed = re.compile(r"nubc\.org|x12\.org|NCPDP|ama-assn|ada\.org|nucc\.org|HCPCS")
    for resource in resources:
        for coding in codings(resource):
            assert "ama-assn" not in coding["system"]
            if licensed.search(coding["system"]):
                assert "display" not in coding
