"""Granular scopes, as an app meets them: a token reaches a part of a type and no way leads around it."""

from __future__ import annotations

from typing import Any

import pytest
from support.smart_app import MakeApp, SmartApp

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category|"
LAB = f"patient/Observation.rs?category={CATEGORY}laboratory"


def categories(resource: dict[str, Any]) -> set[str]:
    return {coding["code"] for each in resource["category"] for coding in each["coding"]}


def observations(app: SmartApp, query: str = "") -> dict[str, set[str]]:
    """The categories of each Observation that a search finds."""
    return {r["id"]: categories(r) for r in app.everything(f"Observation?_count=200{query}")}


@pytest.fixture
def labs(make_app: MakeApp) -> SmartApp:
    return make_app(scope=f"launch/patient offline_access {LAB} patient/Patient.rs").connect("maria")


@pytest.fixture
def whole(maria: SmartApp) -> dict[str, set[str]]:
    found = observations(maria)
    assert {"laboratory", "vital-signs", "social-history"} <= set().union(*found.values())
    return found


def test_the_scope_is_echoed_as_it_was_asked(labs: SmartApp) -> None:
    assert LAB in labs.tokens["scope"].split()


def test_a_search_finds_the_part_and_nothing_else(labs: SmartApp, whole: dict[str, set[str]]) -> None:
    assert observations(labs) == {id: c for id, c in whole.items() if "laboratory" in c}


@pytest.mark.parametrize(
    "query",
    ["&category=vital-signs", "&category=vital-signs,social-history", "&_summary=count&category=vital-signs"],
)
def test_no_parameter_of_a_search_leads_around_the_scope(labs: SmartApp, query: str) -> None:
    bundle = labs.get(f"Observation?_count=200{query}").json()
    assert (bundle["total"], bundle.get("entry")) == (0, None)


def test_ids_and_codes_do_not_lead_around_it(labs: SmartApp, whole: dict[str, set[str]]) -> None:
    hidden = next(id for id, c in whole.items() if "laboratory" not in c)
    shown = next(id for id, c in whole.items() if "laboratory" in c)
    assert labs.get(f"Observation?_id={hidden},{shown}").json()["total"] == 1
    assert labs.get(f"Observation/{shown}").status_code == 200
    refused = labs.get(f"Observation/{hidden}")
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")
    challenge = 'Bearer error="insufficient_scope", scope="patient/Observation.r"'
    assert refused.headers["www-authenticate"] == challenge
    assert labs.get("Observation/nothing-of-that-name").status_code == 404


def test_everything_shows_the_part_and_says_that_it_is_one(
    labs: SmartApp, whole: dict[str, set[str]]
) -> None:
    pages = labs.pages(f"Patient/{labs.patient}/$everything?_count=10")
    entries = [entry for page in pages for entry in page["entry"]]
    found = [e["resource"] for e in entries if e["search"]["mode"] == "match"]
    assert {r["resourceType"] for r in found} == {"Observation", "Patient"}
    inside = {id for id, c in whole.items() if "laboratory" in c}
    assert {r["id"] for r in found if r["resourceType"] == "Observation"} == inside
    assert pages[0]["total"] == len(found)
    (told,) = [e["resource"]["issue"][0] for e in entries if e["search"]["mode"] == "outcome"]
    assert told["code"] == "suppressed"
    assert {"Observation", "Coverage"} <= set(told["details"]["text"].partition(": ")[2].split(", "))


@pytest.mark.parametrize(
    "query",
    [
        "_has:Observation:subject:code=x",
        "_revinclude=Observation:subject",
        "subject.name=maria",
        "patient.birthdate=1970",
        "subject:Patient.name=m",
    ],
)
def test_expansions_and_chains_show_no_more_than_the_part(labs: SmartApp, query: str) -> None:
    for kind in ("Patient", "Observation"):
        answer = labs.get(f"{kind}?_count=200&{query}")
        assert answer.status_code in (200, 400)
        entries = answer.json().get("entry", [])
        for entry in entries:
            resource = entry["resource"]
            assert resource["resourceType"] in ("Patient", "Observation", "OperationOutcome")
            if resource["resourceType"] == "Observation":
                assert "laboratory" in categories(resource)


def test_a_page_continues_within_the_part(labs: SmartApp, whole: dict[str, set[str]]) -> None:
    pages = labs.pages("Observation?_count=3")
    assert len(pages) > 1
    ids = [e["resource"]["id"] for page in pages for e in page["entry"]]
    assert len(ids) == len(set(ids)) == pages[0]["total"]
    assert set(ids) == {id for id, c in whole.items() if "laboratory" in c}
