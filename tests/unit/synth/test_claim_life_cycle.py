"""The life of a claim: every story can be had alone, versions and pointers agree, and time decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from unit.synth.dossiers import code, explanations

from sandbox.synth.claims import business_days
from sandbox.synth.claims.history import STORIES
from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate

Resource = dict[str, Any]
NOTHING = dict.fromkeys(STORIES, 0.0)


def claims_of(spec: Spec, today: date, username: str, **rates: float) -> list[Resource]:
    """All versions of a named member's claims if only these stories happen to them."""
    named = tuple(
        replace(who, stories=NOTHING | {k.replace("_", "-"): v for k, v in rates.items()}, conditions=())
        if who.username == username
        else who
        for who in spec.named
    )
    alone = replace(spec, stories=NOTHING, named=named)
    found = generate(alone, members=60, seed=1, today=today)
    return explanations(next(d for d in found if d.account and d.account.username == username))


def kind(eob: Resource) -> str:
    claim_type = code(eob["type"])
    return code(eob["subType"]) if claim_type == "institutional" else claim_type


def said(eob: Resource, category: str) -> set[str]:
    """What the discriminators of a category say, in the header and the items."""
    entries = [*eob["adjudication"], *(a for i in eob["item"] for a in i.get("adjudication", []))]
    return {code(a["reason"]) for a in entries if code(a["category"]) == category}


def payment(eob: Resource) -> str:
    return code(eob["payment"]["type"])


def total(eob: Resource, category: str) -> Any:
    return next((t["amount"]["value"] for t in eob["total"] if code(t["category"]) == category), 0)


def relations(eob: Resource) -> list[str]:
    return [code(r["relationship"]) for r in eob.get("related", [])]


ALONE: dict[str, Callable[[Resource], bool]] = {
    "preventive-visit": lambda e: total(e, "memberliability") == 0 and total(e, "benefit") > 0,
    "inpatient-stay": lambda e: kind(e) == "inpatient",
    "emergency-visit": lambda e: kind(e) == "outpatient" and code(e["item"][0]["revenue"]) == "0450",
    "outpatient-surgery": lambda e: kind(e) == "outpatient",
    "dental-checkup": lambda e: kind(e) == "oral",
    "dental-filling": lambda e: kind(e) == "oral" and "bodySite" in e["item"][0],
    "vision-exam": lambda e: kind(e) == "vision",
    "ambulance": lambda e: "pickuplocation" in str(e["supportingInfo"]),
    "compound-prescription": lambda e: len(e["item"][0].get("detail", [])) > 1,
    "replaced-claim": lambda e: e["status"] == "cancelled" and relations(e) == ["replacedby"],
    "replaced-twice": lambda e: e["status"] == "cancelled" and relations(e) == ["prior", "replacedby"],
    "voided-claim": lambda e: e["status"] == "cancelled" and not relations(e),
    "denied-claim": lambda e: payment(e) == "denied" and bool(said(e, "adjustmentreason")),
    "partly-paid-claim": lambda e: payment(e) == "partiallypaid",
    "out-of-network-visit": lambda e: said(e, "benefitpaymentstatus") == {"outofnetwork"},
    "appealed-claim": lambda e: payment(e) == "denied" and "processNote" in e,
    "capitated-encounter": lambda e: (
        total(e, "benefit") == 0 < total(e, "submitted") and payment(e) == "paid"
    ),
}
"""Story → what at least one of its claims is."""


@pytest.mark.parametrize("story", ALONE)
@pytest.mark.parametrize("username", ["maria", "walter"])
def test_a_story_can_be_had_alone_and_is_told_today(
    spec: Spec, today: date, username: str, story: str
) -> None:
    calm = replace(spec, denied=0.0)
    found = claims_of(calm, today, username, **{story: 1.0})
    seen = [e for e in found if e["meta"]["lastUpdated"][:10] <= today.isoformat()]
    assert any(ALONE[story](e) for e in seen)


def test_an_appeal_is_under_way_today(spec: Spec, today: date) -> None:
    found = claims_of(spec, today, "maria", appealed_claim=1.0)
    now = {e["id"]: e for e in found if e["meta"]["lastUpdated"][:10] <= today.isoformat()}
    assert any(
        e["status"] == "active" and "It is being reviewed" in str(e.get("processNote")) for e in now.values()
    )


@pytest.mark.slow
def test_a_claim_of_two_payers_names_both_coverages(eobs: list[Resource]) -> None:
    found = [e for e in eobs if len(e["insurance"]) > 1]
    assert found
    for eob in found:
        assert [i["focal"] for i in eob["insurance"]] == [True, False]
        if payment(eob) == "paid":
            assert total(eob, "priorpayerpaid") > 0, eob["id"]
    assert all(total(e, "priorpayerpaid") == 0 for e in eobs if len(e["insurance"]) == 1)


def test_every_story_is_known_to_the_population(spec: Spec) -> None:
    assert set(spec.stories) == set(STORIES)


def test_versions_of_a_claim_follow_each_other(members: list[Dossier]) -> None:
    several = 0
    for dossier in members:
        versions: dict[str, list[Resource]] = defaultdict(list)
        for eob in explanations(dossier):
            versions[eob["id"]].append(eob)
        for of in versions.values():
            assert [v["meta"]["versionId"] for v in of] == [str(n) for n in range(1, len(of) + 1)]
            updated = [v["meta"]["lastUpdated"] for v in of]
            assert updated == sorted(set(updated))
            assert [v["status"] for v in of[:-1]] == ["active"] * (len(of) - 1)
            assert len({v["identifier"][0]["value"] for v in of}) == 1
            several += len(of) > 1
    assert several > 20


def test_pointers_are_adjacent_and_mutual(members: list[Dossier]) -> None:
    chains = 0
    for dossier in members:
        last = {e["identifier"][0]["value"]: e for e in explanations(dossier)}
        for number, eob in last.items():
            for related in eob.get("related", []):
                other = last[related["reference"]["value"]]
                back = {"prior": "replacedby", "replacedby": "prior"}[code(related["relationship"])]
                pointers = {code(r["relationship"]): r["reference"]["value"] for r in other["related"]}
                assert pointers[back] == number
                assert other["billablePeriod"] == eob["billablePeriod"]
            assert (eob["status"] == "cancelled") >= ("replacedby" in relations(eob))
            chains += relations(eob) == ["prior", "replacedby"]
    assert chains


def test_a_claim_is_cancelled_when_its_replacement_is_seen(eobs: list[Resource]) -> None:
    first_seen = {
        e["identifier"][0]["value"]: e["meta"]["lastUpdated"][:10]
        for e in eobs
        if e["meta"]["versionId"] == "1"
    }
    for eob in eobs:
        for related in eob.get("related", []):
            if code(related["relationship"]) == "replacedby":
                assert eob["meta"]["lastUpdated"][:10] == first_seen[related["reference"]["value"]]


def test_a_claim_is_seen_one_business_day_after_it_was_processed(eobs: list[Resource]) -> None:
    for eob in eobs:
        if eob["meta"]["versionId"] == "1":
            processed = date.fromisoformat(eob["created"][:10])
            assert eob["meta"]["lastUpdated"][:10] == business_days.after(processed).isoformat()
        assert business_days.is_open(date.fromisoformat(eob["meta"]["lastUpdated"][:10]))


def test_the_clock_finds_new_claims_for_a_year_to_come(members: list[Dossier], today: date) -> None:
    for dossier in members:
        seen = [e["meta"]["lastUpdated"][:10] for e in explanations(dossier)]
        account = dossier.account
        assert account
        if account.coverage_end and account.coverage_end < today - timedelta(days=60):
            assert all(day < today.isoformat() for day in seen), account.username
    ahead = {
        m: sum(e["billablePeriod"]["start"] >= m for d in members for e in explanations(d))
        for m in ("2025-11-01", "2026-03-01", "2026-07-01", "2026-11-01")
    }
    assert all(ahead.values())


def test_claims_reach_back_to_2016(members: list[Dossier]) -> None:
    starts = [e["billablePeriod"]["start"] for d in members for e in explanations(d)]
    assert {str(year) for year in range(2016, 2027)} <= {day[:4] for day in starts}


def test_members_have_about_forty_claims(members: list[Dossier]) -> None:
    counts = sorted(len({e["id"] for e in explanations(d)}) for d in members)
    ordinary = [n for n in counts if 0 < n < 500]
    assert 35 <= sum(ordinary) / len(ordinary) <= 45
