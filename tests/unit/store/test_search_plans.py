"""Every clause of a search uses an index: the plans of the main shapes, and of each kind of value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from unit.fhir.fhir_samples import member

from sandbox.fhir.dates import FOREVER
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build

EOB = "ExplanationOfBenefit"
ALLOWED = re.compile(r"SCAN (?:CONSTANT ROW|subquery|anon_\d+|\(subquery-\d+\))")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("plans") / "library.db"
    build(path, [(None, member(f"p{n}")) for n in range(1, 160)])  # a page is a small part
    return path


@pytest.fixture
def library(built: Path) -> SqlLibrary:
    """One that remembers nothing yet."""
    return SqlLibrary(built)


def plans(library: SqlLibrary, kind: str, args: list[tuple[str, str]], patient: str | None) -> list[str]:
    """What SQLite says it does for each statement of a search and of its includes."""
    said: list[str] = []
    asked: list[tuple[str, object]] = []

    def note(conn, cursor, statement, parameters, context, executemany) -> None:  # type: ignore[no-untyped-def]
        asked.append((statement, parameters))

    rows = library._driver.rows

    def driven(statement: Any, **values: Any) -> list[Any]:
        whole = statement.params(**values).compile(library._engine, compile_kwargs={"literal_binds": True})
        asked.append((str(whole), ()))
        return rows(statement, **values)

    library._driver.rows = driven  # type: ignore[method-assign]
    event.listen(library._engine, "before_cursor_execute", note)
    try:
        query = parse(kind, args).within(patient)
        page = library.search(query, FOREVER - 1)
        library.include(page.matches, query.includes, FOREVER - 1, patient)
    finally:
        library._driver.rows = rows  # type: ignore[method-assign]
        event.remove(library._engine, "before_cursor_execute", note)
    with library._engine.connect() as db:
        for statement, parameters in asked:
            rows = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            said += [str(row[3]) for row in rows]
    return said


CLAUSES = [
    ("type", "professional"), ("type:not", "professional"), ("type", "http://h/s|"), ("type:missing", "true"),
    ("service-date", "ge2024"), ("service-date", "2024-03,ne2025"), ("identifier", "https://h|1,2"),
    ("patient", "p1"), ("patient:identifier", "s|1"), ("patient.identifier", "s|1"), ("patient.name", "garc"),
    ("_id", "e1,e2"), ("_lastUpdated", "gt2024"), ("_sort", "-service-date,type"), ("_sort", "_lastUpdated"),
    ("_include", "ExplanationOfBenefit:*"), ("_revinclude", "Provenance:target"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), CLAUSES)
@pytest.mark.parametrize("patient", ["p1", None])
def test_no_search_of_claims_reads_a_table_through(
    library: SqlLibrary, name: str, text: str, patient: str | None
) -> None:
    found = plans(library, EOB, [(name, text), ("type", "professional")], patient)
    assert len(found) > 2
    assert [step for step in found if "SCAN" in step and not ALLOWED.match(step)] == []


@pytest.mark.parametrize("patient", ["p1", None])
def test_a_members_search_starts_from_the_member(library: SqlLibrary, patient: str | None) -> None:
    found = plans(library, EOB, [("type", "professional")], patient)
    by_member = any("resource_patient (patient=? AND type=?" in step for step in found)
    assert by_member is (patient is not None)


@pytest.mark.parametrize(("name", "text"), [("type", "professional"), ("identifier", "CLM-e1")])
def test_a_members_search_does_not_go_by_what_many_others_have(
    library: SqlLibrary, name: str, text: str
) -> None:
    found = plans(library, EOB, [(name, text)], "p1")
    assert [step for step in found if "trait_text" in step] == []
    assert any(re.search(r"SEARCH t USING PRIMARY KEY \(holder=\?", step) for step in found), found


@pytest.mark.parametrize(
    ("kind", "name", "text", "index"),
    [
        (EOB, "identifier", "https://payer.example/claims|CLM-e1", "trait_text (text=?"),
        ("Organization", "name", "clin", "string_value (param=? AND value>? AND value<?)"),
        (EOB, "patient", "p1", "resource_patient (patient=? AND type=?"),
        ("Condition", "encounter", "enc-p1", "trait_text (text=?"),
        (EOB, "_id", "e1", "resource_id (type=? AND id=?)"),
    ],
)
def test_without_a_member_the_values_lead_to_the_resources(
    library: SqlLibrary, kind: str, name: str, text: str, index: str
) -> None:
    found = plans(library, kind, [(name, text)], None)
    assert any(index in step for step in found), found
