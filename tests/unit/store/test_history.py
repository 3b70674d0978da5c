"""vread and history over a library: what was another member's, or outside a scope, stays hidden."""

from __future__ import annotations

from typing import Any

import pytest
from support.reach import reader
from support.stores import library_of
from unit.fhir.fhir_samples import coverage, eob, member

from sandbox.core.errors import Forbidden, NotFound
from sandbox.core.files import json_value
from sandbox.fhir import dates
from sandbox.fhir.schema.paths import elements, literal
from sandbox.fhir.search.clause import AnyOf
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary

EOB = "ExplanationOfBenefit"
NOW = dates.parse("2031-01-01")[0]
ORAL: AnyOf = (parse(EOB, [("type", "oral")]).clauses,)


def version(resource: dict[str, Any], number: str, updated: str, **changes: Any) -> dict[str, Any]:
    return resource | {"meta": {"versionId": number, "lastUpdated": updated}} | changes


def claim(id: str, number: str, updated: str, owner: str, kind: str = "oral") -> dict[str, Any]:
    coded = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": kind}]}
    return version(eob(id, owner), number, updated, type=coded)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    own = coverage("kept", "p1")
    linked = eob("linked", "p1")
    linked["insurance"] = [{"focal": True, "coverage": {"reference": "Coverage/kept/_history/1"}}]
    resources = [
        *member("p1"),
        *member("p2"),
        claim("moved", "1", "2030-01-01T00:00:00Z", "p1"),
        claim("moved", "2", "2030-02-01T00:00:00Z", "p2"),
        claim("recoded", "1", "2030-01-01T00:00:00Z", "p1", "pharmacy"),
        claim("recoded", "2", "2030-02-01T00:00:00Z", "p1", "oral"),
        claim("recoded", "3", "2032-01-01T00:00:00Z", "p1", "oral"),
        version(own, "1", "2030-01-01T00:00:00Z", status="active"),
        version(own, "2", "2030-02-01T00:00:00Z", status="cancelled"),
        linked,
    ]
    return library_of(tmp_path_factory.mktemp("history"), resources)


def seen(library: SqlLibrary, id: str, patient: str | None, kind: str = EOB, limit: AnyOf = ()) -> list[str]:
    here = reader(library, patient, NOW, parts={kind: limit} if limit else {})
    versions = here.history(kind, id)
    for stored in versions:
        assert here.version(kind, id, stored.version) == stored
    return [stored.version for stored in versions]


def test_a_version_that_was_another_members_is_neithers(library: SqlLibrary) -> None:
    assert seen(library, "moved", "p2") == ["2"]
    with pytest.raises(NotFound):
        seen(library, "moved", "p1")
    with pytest.raises(NotFound):
        reader(library, "p1", NOW).version(EOB, "moved", "1")
    with pytest.raises(NotFound):
        reader(library, "p2", NOW).version(EOB, "moved", "1")
    assert seen(library, "moved", None) == ["2", "1"]


def test_a_version_outside_the_scopes_is_left_out_of_the_history(library: SqlLibrary) -> None:
    assert seen(library, "recoded", "p1") == ["2", "1"]
    assert seen(library, "recoded", "p1", limit=ORAL) == ["2"]
    with pytest.raises(NotFound):
        reader(library, "p1", NOW, parts={EOB: ORAL}).version(EOB, "recoded", "1")
    pharmacy = (parse(EOB, [("type", "pharmacy")]).clauses,)
    with pytest.raises(Forbidden):
        seen(library, "recoded", "p1", limit=pharmacy)


def test_what_is_yet_to_come_is_not_there(library: SqlLibrary) -> None:
    with pytest.raises(NotFound):
        reader(library, "p1", NOW).version(EOB, "recoded", "3")


def test_a_reference_to_a_version_resolves_to_that_version(library: SqlLibrary) -> None:
    stored = library.read(EOB, "linked", NOW)
    assert stored is not None
    found = library.include([stored], parse(EOB, [("_include", f"{EOB}:coverage")]).includes, NOW, "p1")
    assert [(each.type, each.id) for each in found] == [("Coverage", "kept")]
    (reference,) = elements(json_value(stored.body), "insurance.coverage")
    assert literal(reference) == ("Coverage", "kept")
    kind, id, _, number = reference["reference"].split("/")
    then = reader(library, "p1", NOW).version(kind, id, number)
    assert b'"active"' in then.body
    assert seen(library, "kept", "p1", "Coverage") == ["2", "1"]
