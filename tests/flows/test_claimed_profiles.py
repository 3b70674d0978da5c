"""What the data claim and what `metadata` says of it are the same, in every edition; and what the answers
of a server add to resources is as FHIR wants it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select
from support.running import library
from support.smart_app import SmartApp

from sandbox.core.clock import SystemClock, anchor
from sandbox.core.files import json_value
from sandbox.core.payer import BASELINE
from sandbox.fhir.capability import ServerDescription, capability_statement, served
from sandbox.settings import Settings
from sandbox.store.library.packing import Packing
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.schema import ABOUT, DICTIONARY, RESOURCE

pytestmark = pytest.mark.slow

EDITIONS = [("3.1.1", "2.0.0"), ("6.1.0", "2.0.0"), ("7.0.0", "2.2.0")]
US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"


@pytest.fixture(params=EDITIONS, ids="-".join)
def edition(request: pytest.FixtureRequest, shared_home: Path) -> tuple[str, Path]:
    """An edition of US Core, and a library that follows it."""
    us_core, carin = request.param
    settings = Settings(members=15, us_core=us_core, carin=carin)
    return us_core, library(shared_home, settings, anchor(SystemClock()))


def resources(place: Path) -> list[dict[str, Any]]:
    with create_engine(f"sqlite:///{place}").connect() as db:
        bodies = db.execute(select(RESOURCE.c.body)).scalars().all()
        dictionary = db.execute(select(ABOUT.c.value).where(ABOUT.c.name == DICTIONARY)).scalar_one()
    return [json_value(body) for body in map(Packing(dictionary).unpack, bodies)]


def test_metadata_lists_the_profiles_that_the_data_claim(edition: tuple[str, Path]) -> None:
    _, place = edition
    claimed: dict[str, set[str]] = defaultdict(set)
    for resource in resources(place):
        claimed[resource["resourceType"]] |= {p.partition("|")[0] for p in resource["meta"]["profile"]}
    profiles = SqlLibrary(place).profiles()
    kinds = served(BASELINE)
    statement = capability_statement(
        ServerDescription("", "", "", "", BASELINE, kinds, kinds, profiles=profiles)
    )
    listed = {row["type"]: row["supportedProfile"] for row in statement["rest"][0]["resource"]}
    assert {kind: sorted(names) for kind, names in claimed.items()} == {k: listed[k] for k in claimed}
    assert any("us-core-patient" in name for name in listed["Patient"])


def test_an_edition_uses_nothing_that_came_later(edition: tuple[str, Path]) -> None:
    us_core, place = edition
    texts = [str(resource) for resource in resources(place)]
    later = [t for t in texts if US_CORE_CATEGORY in t or "extension-questionnaire-uri" in t]
    assert bool(later) == (us_core != "3.1.1")
    assert not any("NamingSystem/gs1'" in text for text in texts)


def test_metadata_of_a_server_lists_them_too(app: SmartApp) -> None:
    (patient,) = [r for r in app.get("metadata").json()["rest"][0]["resource"] if r["type"] == "Patient"]
    assert {name.rpartition("/")[2] for name in patient["supportedProfile"]} == {
        "C4BB-Patient",
        "us-core-patient",
    }


def test_an_outcome_in_a_searchset_has_a_name_of_its_own(maria: SmartApp) -> None:
    first, again = (maria.get("Coverage?colour=red").json()["entry"][-1] for _ in range(2))
    other = maria.get("Coverage?color=red").json()["entry"][-1]
    assert first["search"]["mode"] == "outcome"
    assert UUID(first["fullUrl"]).urn == first["fullUrl"] == again["fullUrl"] != other["fullUrl"]


def test_a_part_of_a_resource_claims_no_profile(maria: SmartApp) -> None:
    found = maria.get(f"Patient/{maria.patient}?_elements=name").json()
    found_by_search = maria.get("Patient?_elements=name").json()["entry"][0]["resource"]
    for part in (found, found_by_search):
        assert "profile" not in part["meta"]
        assert part["meta"]["tag"][-1] == {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
            "code": "SUBSETTED",
            "display": "subsetted",
        }
