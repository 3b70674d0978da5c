"""Several versions of one resource: the clock decides which is in force, and whether there is one."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from unit.fhir.fhir_samples import eob, member

from sandbox.fhir import dates
from sandbox.fhir.library import Everything
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build

EOB = "ExplanationOfBenefit"


def version(number: str, updated: str, **changes: Any) -> dict[str, Any]:
    meta = {"versionId": number, "lastUpdated": updated}
    return eob("late", "p1", **changes) | {"meta": meta}


def at(day: str) -> int:
    return dates.parse(day)[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("versions") / "library.db"
    first = version("1", "2030-01-10T14:00:00Z", status="active")
    second = version("2", "2030-02-10T14:00:00Z", status="cancelled")
    build(path, [(None, [*member("p1"), second, first])])
    return path


@pytest.fixture(scope="module")
def library(path: Path) -> SqlLibrary:
    return SqlLibrary(path)


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2030-01-10", None),
        ("2030-01-11", b'"active"'),
        ("2030-02-10", b'"active"'),
        ("2030-02-11", b'"cancelled"'),
    ],
)
def test_a_read_shows_the_version_in_force(library: SqlLibrary, day: str, status: bytes | None) -> None:
    found = library.read(EOB, "late", at(day))
    assert (found is None) if status is None else (found is not None and status in found.body)


@pytest.mark.parametrize(("day", "count"), [("2030-01-10", 0), ("2030-01-11", 1), ("2030-02-11", 1)])
def test_searches_and_everything_show_one_version_at_most(library: SqlLibrary, day: str, count: int) -> None:
    searched = library.search(parse(EOB, [("_id", "late")]).within("p1"), at(day))
    assert (len(searched.matches), searched.total) == (count, count)
    everything = library.everything(Everything("p1"), at(day))
    assert sum(s.id == "late" for s in everything.matches) == count


DAYS = ["1950-01-01", "2030-01-10", "2030-01-11", "2030-02-10", "2030-02-11", "2090-01-01"]


@pytest.mark.parametrize("seed", range(5))
def test_what_was_asked_before_changes_no_answer(library: SqlLibrary, path: Path, seed: int) -> None:
    """A process remembers answers: whatever the clocks of its tenants, each gets its own."""
    queries = [
        parse(EOB, args).within("p1")
        for args in ([], [("_id", "late")], [("status", "cancelled")], [("_lastUpdated", "ap2030-02-10")])
    ]
    include = parse(EOB, [("_include", "ExplanationOfBenefit:*")]).includes

    def answers(library: SqlLibrary, now: int) -> list[object]:
        pages = [library.search(query, now) for query in queries]
        return [
            *pages,
            library.read(EOB, "late", now),
            library.everything(Everything("p1"), now),
            library.include(pages[0].matches, include, now, "p1"),
        ]

    for day in Random(seed).choices(DAYS, k=12):
        assert answers(library, at(day)) == answers(SqlLibrary(path), at(day)), day


def test_since_asks_about_the_version_in_force(library: SqlLibrary) -> None:
    asked = Everything("p1", since=at("2030-02-01"))
    assert "late" not in {s.id for s in library.everything(asked, at("2030-02-05")).matches}
    assert "late" in {s.id for s in library.everything(asked, at("2030-03-01")).matches}
