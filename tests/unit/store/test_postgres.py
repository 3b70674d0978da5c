"""Libraries in PostgreSQL: made whole or not at all, with the members that a file has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from support.stores import DATABASE, place

from sandbox.core.errors import FileProblem
from sandbox.population.build_library import people
from sandbox.settings import Settings
from sandbox.store.ledger.database import Ledger
from sandbox.store.library.read import SqlLibrary, exists
from sandbox.store.library.write import build

pytestmark = pytest.mark.skipif(not DATABASE, reason="make test-postgres starts the database")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[SqlLibrary, SqlLibrary]:
    made = [(d.account, [r.body for r in d.rendered]) for d in people(Settings(members=12), date(2026, 3, 1))]
    path = tmp_path_factory.mktemp("both") / "library.db"
    build(path, made)
    build(place(path), made)
    return SqlLibrary(path), SqlLibrary(place(path))


def test_both_know_the_same_members(both: tuple[SqlLibrary, SqlLibrary]) -> None:
    """What they answer to requests, `flows/test_both_stores` compares."""
    file, server = both
    assert file.accounts() == server.accounts()
    for account in file.accounts().values():
        assert file.household(account.patient) == server.household(account.patient)


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
