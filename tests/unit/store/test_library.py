"""The library: built whole or not at all, read-only; searches, includes and $everything page stably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from support.stores import place
from unit.fhir.fhir_samples import condition, coverage, eob, member, organization, patient

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.core.members import Account, CoverageSpan
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Page, Stored
from sandbox.fhir.schema.paths import owner
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build

EOB = "ExplanationOfBenefit"
LATER = dates.FOREVER - 1
LOST = eob("lost", patient={"reference": "Group/g1"})
PEOPLE = [
    member("p1"),
    [*member("p2"), eob("pointing", "p2", provider={"reference": f"{EOB}/lost"}), LOST],
]
ALL = [resource for person in PEOPLE for resource in person]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    path = place(tmp_path_factory.mktemp("library") / "library.db")
    assert build(path, [(None, person) for person in PEOPLE]) == len(ALL)
    return SqlLibrary(path)


def ids(found: Page | tuple[Stored, ...]) -> set[str]:
    return {s.id for s in (found.matches if isinstance(found, Page) else found)}


def search(library: SqlLibrary, kind: str, *args: tuple[str, str], who: str | None = None) -> set[str]:
    return ids(library.search(parse(kind, args).within(who), LATER))


def test_resources_come_back_as_the_bytes_that_were_written(library: SqlLibrary) -> None:
    for resource in ALL:
        stored = library.read(resource["resourceType"], resource["id"], LATER)
        assert stored is not None
        assert (stored.body, stored.patient) == (json_bytes(resource), owner(resource))
    assert library.read("Patient", "c1", LATER) is None
    assert library.read("Banana", "p1", LATER) is None


def test_logins_come_back_in_the_order_they_were_made(tmp_path: Path) -> None:
    span = (CoverageSpan("qhp", date(2024, 1, 1), None),)
    accounts = [Account(n, "pw", f"p-{n}", n, "eligible", date(1990, 1, 1), span) for n in ("zoe", "adam")]
    build(tmp_path / "l.db", [(account, []) for account in accounts])
    assert list(SqlLibrary(tmp_path / "l.db").accounts().values()) == accounts


def test_a_build_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "library.db"

    def contents() -> Iterator[tuple[None, list[dict[str, Any]]]]:
        yield None, [patient()]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        build(path, contents())
    assert list(tmp_path.iterdir()) == []
    build(path, [(None, [patient("old")])])
    with pytest.raises(RuntimeError, match="killed"):
        build(path, contents())
    assert [p.name for p in tmp_path.iterdir()] == ["library.db"]
    assert SqlLibrary(path).read("Patient", "old", LATER)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "library.db", tmp_path / "file" / "deep" / "library.db"):
        with pytest.raises(FileProblem, match=r"library\.db"):
            build(path, [])
    with pytest.raises(FileProblem, match="nowhere"):
        SqlLibrary(tmp_path / "nowhere")


def test_a_library_lives_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a b%20#c" / "what?.db"
    build(path, [(None, [patient()])])
    assert SqlLibrary(path).read("Patient", "p1", LATER)


def test_a_library_cannot_be_written_to(library: SqlLibrary) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), library._engine.begin() as db:
        db.exec_driver_sql("DELETE FROM resource")


@pytest.mark.parametrize(
    ("kind", "name", "text", "found"),
    [
        (EOB, "type", "professional", {"e1", "e2"}),
        (EOB, "type", "x,professional", {"e1", "e2"}),
        (EOB, "type", "http://terminology.hl7.org/CodeSystem/claim-type|professional", {"e1", "e2"}),
        (EOB, "type", "http://terminology.hl7.org/CodeSystem/claim-type|", {"e1", "e2"}),
        (EOB, "type", "|professional", set()),
        (EOB, "type", "PROFESSIONAL", set()),
        (EOB, "identifier", "https://payer.example/claims|CLM-e1", {"e1"}),
        (EOB, "_id", "e1,e2,e1-p2", {"e1", "e2"}),
        (EOB, "service-date", "2024-03", {"e1"}),
        (EOB, "billable-period-start", "2024-03", {"e1"}),
        (EOB, "service-start-date", "ge2024-06", {"e2"}),
        (EOB, "patient", "Patient/p1,p2", {"e1", "e2"}),
        ("Patient", "gender", "|female", {"p1"}),
        ("Patient", "birthdate", "1960", {"p1"}),
        ("Patient", "name", "garc", {"p1"}),
        ("Patient", "name", "arc", set()),
        ("Patient", "name", "offic", set()),
        ("Patient", "name:contains", "ARCÍ", {"p1"}),
        ("Patient", "name:exact", "García", {"p1"}),
        ("Patient", "name:exact", "Garcia", set()),
        ("Patient", "name:exact", "garcía", set()),
        ("Patient", "family", "%", set()),
        ("Patient", "given", "_na", set()),
        ("Condition", "code", "E11.9", {"d1"}),
    ],
)
def test_a_search_finds_what_the_parameter_means(
    library: SqlLibrary, kind: str, name: str, text: str, found: set[str]
) -> None:
    assert search(library, kind, (name, text), who="p1") == found


def test_shared_types_are_searched_by_everybody(library: SqlLibrary) -> None:
    assert search(library, "Organization", ("name", "clin"), who="p1") == {"clinic"}
    assert search(library, "Organization", ("address:contains", "zürich")) == {"payer", "clinic"}


def test_a_search_with_as_many_values_as_allowed_is_answered(library: SqlLibrary) -> None:
    many = ",".join(f"s{n}|c{n}" for n in range(199)) + ",professional"
    assert search(library, EOB, ("type", many), who="p1") == {"e1", "e2"}


def test_a_count_of_zero_returns_the_total_alone(library: SqlLibrary) -> None:
    page = library.search(parse(EOB, [("_count", "0")]), LATER)
    assert (page.matches, page.total, page.more) == ((), 6, False)


def test_everything_never_shows_another_member_or_what_belongs_to_nobody(library: SqlLibrary) -> None:
    assert {s.patient for s in library.everything(Everything("p2"), LATER).matches} == {"p2", None}
    assert "lost" not in ids(library.everything(Everything("p2"), LATER))
    first = library.everything(Everything("p1"), LATER).matches[0]
    assert (first.type, json_value(first.body)["id"]) == ("Patient", "p1")


def test_an_odd_resource_does_not_stop_a_build(tmp_path: Path) -> None:
    odd = [condition(onsetString="childhood"), coverage(payor=[]), organization(meta={})]
    assert build(tmp_path / "l.db", [(None, odd)]) == 3


def test_logins_are_found_one_at_a_time_by_name_and_by_patient(tmp_path: Path) -> None:
    path = place(tmp_path / "logins.db")
    span = (CoverageSpan("commercial", date(2020, 1, 1), None),)
    own = Account("ana", "pw", "p1", "Ana", "eligible", date(1990, 1, 1), span)
    other = replace(own, username="mother", fhir_user="RelatedPerson/r1")
    build(path, [(own, member("p1")), (other, [])])
    library = SqlLibrary(path)
    accounts, members = library.accounts(), library.members()
    assert (list(accounts), len(accounts)) == (["ana", "mother"], 2)
    assert dict(accounts) == {"ana": own, "mother": other}
    assert dict(members) == {"p1": own}
    assert (accounts.get("nobody"), members.get("mother"), "ana" in accounts) == (None, None, True)
