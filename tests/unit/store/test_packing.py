"""Bodies come back byte for byte, whatever they are; a library of alike ones is a fraction of them."""

from __future__ import annotations

import random
import threading
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from sandbox.core.errors import FileProblem
from sandbox.fhir.library import Everything
from sandbox.population.build_library import people
from sandbox.settings import Settings
from sandbox.store.library.packing import SAMPLE, Packing, trained
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.schema import RESOURCE
from sandbox.store.library.write import build

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 1)
NOW = 1 << 51


@pytest.fixture(scope="module")
def made() -> list[list[bytes]]:
    """The resources of some members, enough of them to be packed."""
    found = [[r.body for r in dossier.rendered] for dossier in people(Settings(members=30), DAY)]
    assert sum(len(body) for member in found for body in member) > SAMPLE
    return found


@pytest.fixture(scope="module")
def library(made: list[list[bytes]], tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    path = tmp_path_factory.mktemp("packed") / "library.db"
    build(path, [(None, member) for member in made])
    return SqlLibrary(path)


def kept(library: SqlLibrary) -> list[bytes]:
    with library._engine.connect() as db:
        return list(db.execute(select(RESOURCE.c.body)).scalars())


def test_every_row_is_the_given_bytes(library: SqlLibrary, made: list[list[bytes]]) -> None:
    rows = kept(library)
    assert sorted(library._unpack(row) for row in rows) == sorted(body for member in made for body in member)
    assert sum(map(len, rows)) * 8 < sum(len(body) for member in made for body in member)


def test_threads_that_share_a_library_do_not_mix_their_bodies(library: SqlLibrary) -> None:
    with library._engine.connect() as db:
        who = list(db.execute(select(RESOURCE.c.patient).where(RESOURCE.c.type == "Patient")).scalars())
    alone = {patient: SqlLibrary.everything(library, Everything(patient, count=500), NOW) for patient in who}
    fresh = SqlLibrary(Path(str(library._engine.url.database).removeprefix("file:")))
    wrong: list[str] = []

    def ask(seed: int) -> None:
        for patient in random.Random(seed).sample(who, len(who)):
            if fresh.everything(Everything(patient, count=500), NOW) != alone[patient]:
                wrong.append(patient)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_same_resources_make_the_same_dictionary(made: list[list[bytes]]) -> None:
    bodies = [body for member in made for body in member]
    assert trained(bodies).dictionary == trained(bodies).dictionary != b""


def test_few_resources_are_left_as_they_are(made: list[list[bytes]]) -> None:
    packing = trained(made[1])
    assert packing.dictionary == b""
    assert [packing.pack(body) for body in made[1]] == made[1]


def test_what_gains_nothing_is_left_as_it_is(made: list[list[bytes]]) -> None:
    packing = trained([body for member in made for body in member])
    for body in (b"{}", b'{"a":1}', b' {"resourceType":"Patient"}', made[1][0]):
        assert packing.unpack(packing.pack(body)) == body
        assert len(packing.pack(body)) <= len(body)


def test_a_packing_knows_only_its_own_dictionary(made: list[list[bytes]]) -> None:
    packing = trained([body for member in made for body in member])
    again = Packing(packing.dictionary)
    assert again.unpack(packing.pack(made[1][0])) == made[1][0]


def test_a_file_that_is_no_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"not a database" * 100)
    (tmp_path / "empty.db").write_bytes(b"")
    for name in ("other.db", "empty.db"):
        with pytest.raises(FileProblem, match=name):
            SqlLibrary(tmp_path / name)
