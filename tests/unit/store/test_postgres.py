"""The same population in a file and in PostgreSQL answers the same bytes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from support.stores import DATABASE, place

from sandbox.core.errors import FileProblem
from sandbox.fhir.library import Everything
from sandbox.fhir.search.query import parse
from sandbox.population.build_library import people
from sandbox.settings import Settings
from sandbox.store.ledger.database import Ledger
from sandbox.store.library.read import SqlLibrary, exists
from sandbox.store.library.write import build

pytestmark = pytest.mark.skipif(not DATABASE, reason="make test-postgres starts the database")

EOB = "ExplanationOfBenefit"
NOW = 1 << 51
SEARCHES = [
    (EOB, ()),
    (EOB, (("_sort", "-service-date"), ("_count", "3"))),
    (EOB, (("service-date", "ge2025"), ("_include", "*"))),
    (EOB, (("_count", "0"),)),
    ("Observation", (("_sort", "code,-date"),)),
    ("Patient", (("name:contains", "a"), ("_revinclude", "Coverage:beneficiary"))),
    ("Organization", (("_sort", "name"),)),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[SqlLibrary, SqlLibrary]:
    made = [(d.account, [r.body for r in d.rendered]) for d in people(Settings(members=12), date(2026, 3, 1))]
    path = tmp_path_factory.mktemp("both") / "library.db"
    build(path, made)
    build(place(path), made)
    return SqlLibrary(path), SqlLibrary(place(path))


def test_both_answer_the_same_bytes(both: tuple[SqlLibrary, SqlLibrary]) -> None:
    file, server = both
    assert file.accounts() == server.accounts()
    for account in list(file.accounts().values())[:6]:
        who = account.patient
        assert file.household(who) == server.household(who)
        assert file.everything(Everything(who), NOW) == server.everything(Everything(who), NOW)
        for kind, args in SEARCHES:
            query = parse(kind, args).within(who)
            page = file.search(query, NOW)
            assert page == server.search(query, NOW), (kind, args)
            included = [each.include(page.matches, query.includes, NOW, who) for each in both]
            assert included[0] == included[1]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    where = place(tmp_path / "library.db")

    def broken():  # type: ignore[no-untyped-def]
        yield None, [{"resourceType": "Patient", "id": "p1"}]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        build(where, broken())
    assert not exists(where)
    with pytest.raises(FileProblem, match="no such library"):
        SqlLibrary(where)


def test_a_stranger_may_send_any_character(tmp_path: Path) -> None:
    tenant = Ledger(place(tmp_path / "ledger.db")).tenant("")
    assert tenant.client("a\0b") is None
    assert tenant.count("a\0b") == 1
    tenant.note({"path": "/a\0b"})
    assert tenant.journal()[0]["path"] == "/a\0b"
