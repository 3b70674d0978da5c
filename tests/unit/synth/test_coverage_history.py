"""What happened to a member's identity and coverage shows in versions and in more than one Coverage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from unit.synth.dossiers import named, of_type

from sandbox.synth.population import Dossier


def newest(dossier: Dossier, kind: str) -> list[dict[str, Any]]:
    """The last version of each resource of a type."""
    return list({r["id"]: r for r in of_type(dossier, kind)}.values())


def test_versions_count_from_one_and_each_is_later_than_the_one_before(
    resources: list[dict[str, Any]],
) -> None:
    seen: dict[str, list[dict[str, str]]] = {}
    for resource in resources:
        seen.setdefault(f"{resource['resourceType']}/{resource['id']}", []).append(resource["meta"])
    assert any(len(versions) > 1 for versions in seen.values())
    for key, versions in seen.items():
        assert [v["versionId"] for v in versions] == [str(n + 1) for n in range(len(versions))], key
        told = [v["lastUpdated"] for v in versions]
        assert told == sorted(set(told)), key


@pytest.mark.parametrize("days", [30, 200, 500, 1000, 2000, 4000])
def test_a_coverage_is_active_until_it_lapses_and_then_cancelled(
    members: list[Dossier], today: date, days: int
) -> None:
    active, cancelled = of_type(named(members, f"lapsed-{days}"), "Coverage")
    end = today - timedelta(days=days)
    assert (active["status"], cancelled["status"]) == ("active", "cancelled")
    assert "end" not in active["period"]
    assert cancelled["period"]["end"] == end.isoformat()
    assert cancelled["meta"]["lastUpdated"][:10] == (end + timedelta(days=1)).isoformat()


def test_a_gap_is_a_hole_between_two_coverages_in_which_nothing_is_claimed(members: list[Dossier]) -> None:
    dossier = named(members, "gap")
    before, after = newest(dossier, "Coverage")
    assert (before["status"], after["status"]) == ("cancelled", "active")
    lost, found = before["period"]["end"], after["period"]["start"]
    assert (date.fromisoformat(found) - date.fromisoformat(lost)).days > 200
    starts = [r["billablePeriod"]["start"] for r in of_type(dossier, "ExplanationOfBenefit")]
    assert not any(lost < day < found for day in starts)


def test_a_future_coverage_stands_beside_the_one_that_is_about_to_end(
    members: list[Dossier], today: date
) -> None:
    dossier = named(members, "renewing")
    now, over, next_year = of_type(dossier, "Coverage")
    assert now["status"] == next_year["status"] == "active"
    assert now["period"]["end"] == over["period"]["end"] == date(today.year, 12, 31).isoformat()
    assert (over["status"], over["meta"]["lastUpdated"][:4]) == ("cancelled", str(today.year + 1))
    assert next_year["period"] == {"start": date(today.year + 1, 1, 1).isoformat()}


def test_moving_to_another_line_at_65_ends_one_coverage_and_begins_another(members: list[Dossier]) -> None:
    dossier = named(members, "turned-65")
    employer, medicare = newest(dossier, "Coverage")
    assert [s.line for s in dossier.account.spans if dossier.account] == ["commercial", "medicare-advantage"]
    assert employer["period"]["end"] < medicare["period"]["start"]
    assert employer["class"] != medicare["class"]
    born = date.fromisoformat(newest(dossier, "Patient")[0]["birthDate"])
    assert medicare["period"]["start"] == born.replace(year=born.year + 65, day=1).isoformat()


def test_of_two_plans_at_once_the_other_payers_comes_first(members: list[Dossier]) -> None:
    ours, theirs = newest(named(members, "two-plans"), "Coverage")
    assert (theirs["order"], ours["order"]) == (1, 2)
    assert theirs["payor"] != ours["payor"]
    assert theirs["period"]["start"] >= ours["period"]["start"]
    assert theirs["status"] == ours["status"] == "active"


def test_a_new_name_is_a_second_version_that_keeps_the_old_one(members: list[Dossier], today: date) -> None:
    before, after = of_type(named(members, "renamed"), "Patient")
    until = today - timedelta(days=300)
    assert [(n["use"], n["family"]) for n in before["name"]] == [("official", "Keller")]
    assert [(n["use"], n["family"]) for n in after["name"]] == [("official", "Sorensen"), ("old", "Keller")]
    assert after["name"][1]["period"]["end"] == until.isoformat()
    assert after["meta"]["lastUpdated"][:10] == (until + timedelta(days=1)).isoformat()
    assert before["identifier"] == after["identifier"]


def test_a_merged_record_is_retired_and_points_to_the_one_that_stays(members: list[Dossier]) -> None:
    dossier = named(members, "merged")
    kept, old = newest(dossier, "Patient")
    assert dossier.account
    assert kept["id"] == dossier.account.patient
    assert (kept["active"], old["active"]) == (True, False)
    assert old["link"] == [{"other": {"reference": f"Patient/{kept['id']}"}, "type": "replaced-by"}]
    (link,) = kept["link"]
    assert link["type"] == "replaces"
    assert link["other"]["identifier"]["value"] == old["identifier"][0]["value"]
    told = [r for r in dossier.resources if f"Patient/{old['id']}" in str(r)]
    assert told == [], "nothing else is told of the record that was a mistake"
