"""What granular scopes ask of the library: any of several lists of clauses, beside everything else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from support.stores import library_of
from unit.fhir.fhir_samples import condition, coverage, patient

from sandbox.fhir import dates
from sandbox.fhir.library import Everything
from sandbox.fhir.search.clause import AnyOf, Clause
from sandbox.fhir.search.query import Query, parse
from sandbox.store.library.read import SqlLibrary

LATER = dates.FOREVER - 1
WAYS = [combination for n in range(4) for combination in itertools.combinations("abc", n)]
"""Every choice of categories; each is one condition, named by its letters."""


def name(categories: tuple[str, ...]) -> str:
    return "d-" + "".join(categories)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    conditions: list[dict[str, Any]] = [
        condition(name(c), category=[{"coding": [{"system": "s", "code": code}]} for code in c]) for c in WAYS
    ]
    return library_of(tmp_path_factory.mktemp("library"), [patient(), coverage(), *conditions])


def clauses(*texts: str) -> tuple[Clause, ...]:
    return parse("Condition", [("category", text) for text in texts]).clauses


CASES: list[tuple[AnyOf, Any]] = [
    ((), lambda c: True),
    ((clauses("a"),), lambda c: "a" in c),
    ((clauses("a"), clauses("b")), lambda c: "a" in c or "b" in c),
    ((clauses("a", "b"),), lambda c: "a" in c and "b" in c),
    ((clauses("a,b", "c"),), lambda c: ("a" in c or "b" in c) and "c" in c),
    ((clauses("a", "b"), clauses("s|c")), lambda c: ("a" in c and "b" in c) or "c" in c),
    ((clauses("t|a"),), lambda c: False),
]


@pytest.mark.parametrize(("any_of", "holds"), CASES)
@pytest.mark.parametrize("asked", ["", "c"])
def test_a_search_is_narrowed_by_what_the_scopes_reach(
    library: SqlLibrary, any_of: AnyOf, holds: Any, asked: str
) -> None:
    query = Query("Condition", clauses(asked) if asked else (), patient="p1", any_of=any_of)
    page = library.search(query, LATER)
    assert {s.id for s in page.matches} == {name(c) for c in WAYS if holds(c) and (not asked or asked in c)}
    assert page.total == len(page.matches)


@pytest.mark.parametrize(("any_of", "holds"), CASES[1:])
@pytest.mark.parametrize("count", [1, 50])
def test_everything_is_narrowed_in_that_type_only_and_pages_count_right(
    library: SqlLibrary, any_of: AnyOf, holds: Any, count: int
) -> None:
    asked = Everything("p1", limits=(("Condition", any_of),), count=count)
    page = library.everything(asked, LATER)
    expected = {"p1", "c1"} | {name(c) for c in WAYS if holds(c)}
    assert page.total == len(expected)
    assert {s.id for s in page.matches} <= expected
    assert len(page.matches) == min(count, len(expected))


def test_a_hundred_parts_of_twenty_values_are_one_search(library: SqlLibrary) -> None:
    """The most that a grant may hold must not be more than the database takes."""
    values = ",".join(f"s|x{n}" for n in range(19)) + ",a"
    any_of = tuple(clauses(values) for _ in range(100))
    assert library.search(Query("Condition", any_of=any_of), LATER).total == 4
