"""No search leaves the compartment: not by a chain, not by a reference that points where it should not,
not backwards, and not by what it asks to be missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reach import reader
from support.stores import library_of
from unit.fhir.fhir_samples import condition, encounter, member, organization

from sandbox.core.errors import Forbidden
from sandbox.fhir.dates import FOREVER
from sandbox.fhir.library import Page
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary

ALL = frozenset(TYPES)
HERE = [{"location": {"reference": "Location/l1"}}]


def provenance(id: str, *targets: str) -> dict[str, object]:
    return {"resourceType": "Provenance", "id": id, "target": [{"reference": each} for each in targets]}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    mine = [
        *member("p1"),
        encounter("v1", "p1", status="finished", location=HERE),
        condition("own", "p1", encounter={"reference": "Encounter/v1"}),
        condition("stray", "p1", encounter={"reference": "Encounter/v2"}),
        provenance("of-p1", "Condition/own"),
    ]
    other = [
        *member("p2"),
        encounter("v2", "p2", status="finished", location=HERE),
        condition("theirs", "p2", encounter={"reference": "Encounter/v1"}),
        provenance("of-p2", "Condition/theirs"),
        {"resourceType": "Location", "id": "l1", "name": "Here"},
    ]
    return library_of(tmp_path_factory.mktemp("isolation"), mine, other)


def search(library: SqlLibrary, kind: str, *args: tuple[str, str], readable: frozenset[str] = ALL) -> Page:
    query = parse(kind, args, strict=True)
    return reader(library, "p1", FOREVER - 1, types=readable).search(query)


def ids(page: Page) -> list[str]:
    return [s.id for s in page.matches]


def test_a_chain_sees_the_members_own_resources_only(library: SqlLibrary) -> None:
    assert ids(search(library, "Condition", ("encounter.status", "finished"))) == ["own"]
    assert ids(search(library, "Condition", ("encounter._id", "v2"))) == []
    assert ids(search(library, "Condition", ("encounter.date:missing", "true"))) == ["own"]
    assert ids(search(library, "Encounter", ("location.name", "here"))) == ["v1"]
    assert ids(search(library, "Condition", ("patient.identifier", "M-p2"))) == []
    assert set(ids(search(library, "Condition", ("patient.identifier", "M-p1")))) >= {"own", "stray"}


def test_a_chain_needs_the_scope_of_what_it_looks_into(library: SqlLibrary) -> None:
    narrow = frozenset({"Condition"})
    with pytest.raises(Forbidden) as caught:
        search(library, "Condition", ("encounter.status", "finished"), readable=narrow)
    assert 'scope="patient/Encounter.s"' in caught.value.headers["WWW-Authenticate"]
    assert search(library, "Condition", ("encounter", "v1"), readable=narrow).matches


@pytest.mark.parametrize(
    ("kind", "args", "included"),
    [
        ("Condition", [("_include", "Condition:encounter")], {"v1"}),
        ("Encounter", [("_revinclude", "Condition:encounter")], {"own"}),
        ("Location", [("_revinclude", "Encounter:location")], {"v1"}),
        ("Organization", [("_revinclude", "Coverage:payor")], {"c1"}),
        ("Condition", [("_revinclude", "Provenance:target")], {"of-p1"}),
        (
            "Encounter",
            [("_revinclude", "Condition:encounter"), ("_revinclude:iterate", "Provenance:target")],
            {"own", "of-p1"},
        ),
        ("Patient", [("_revinclude", "Encounter:patient")], {"v1"}),
        ("Patient", [("_revinclude", "Encounter:subject")], {"v1"}),
    ],
)
def test_includes_stay_inside_in_both_directions(
    library: SqlLibrary, kind: str, args: list[tuple[str, str]], included: set[str]
) -> None:
    page = search(library, kind, *args)
    assert {s.id for s in page.included} == included
    assert {s.patient for s in page.included} <= {"p1", None}


def test_what_the_token_may_not_read_is_not_included_backwards(library: SqlLibrary) -> None:
    asked = ("_revinclude", "Encounter:location")
    assert search(library, "Location", asked, readable=frozenset({"Location"})).included == ()


@pytest.mark.parametrize(
    "args",
    [
        [("_id:not", "own")],
        [("code:not", "none")],
        [("code:missing", "false")],
        [("_id", "theirs,own")],
        [("patient", "p1,p2")],
        [("patient:identifier", "x")],
        [("patient:missing", "true")],
        [("_sort", "-patient,encounter")],
        [("encounter", "https://elsewhere.example/Encounter/v1,v1")],
    ],
)
def test_no_condition_widens_a_search(library: SqlLibrary, args: list[tuple[str, str]]) -> None:
    page = search(library, "Condition", *args)
    assert {s.patient for s in page.matches} <= {"p1"}
    assert page.total == len(page.matches)


def test_a_shared_resource_is_found_by_everybody(library: SqlLibrary) -> None:
    assert set(ids(search(library, "Organization", ("_id:not", "nobody")))) == {
        organization()["id"],
        "clinic",
    }


@pytest.mark.parametrize("apart", [False, True], ids=["of one batch", "of two batches"])
def test_what_is_about_two_members_is_shown_to_neither(tmp_path: Path, apart: bool) -> None:
    theirs = [condition("c1", "p1"), condition("c2", "p2"), condition("c3", "p2")]
    about = [
        provenance("both", "Condition/c1", "Condition/c2"),
        provenance("one", "Condition/c2", "Condition/c3"),
    ]
    batches = [theirs[:1], [*theirs[1:], *about]] if apart else [[*theirs, *about]]
    library, query = library_of(tmp_path, *batches), parse("Provenance", [], strict=True)

    def shown(who: str) -> list[str]:
        return ids(reader(library, who, FOREVER - 1).search(query))

    assert (shown("p1"), shown("p2")) == ([], ["one"])
