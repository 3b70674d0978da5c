"""`generate` at scale: the same bytes from any number of processes, whole files or none."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.errors import UsageError
from sandbox.core.part_file import part_file, sweep_parts
from sandbox.population.build_library import place, prepared
from sandbox.population.generate import produce, stock
from sandbox.settings import Settings
from sandbox.store.library.packing import Packing

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 1)
TABLES = ("about", "resource", "account", "token", "date", "reference", "string")


def made(
    folder: Path, members: int = 9, latest: bool = True, as_of: str = "", **options: Any
) -> dict[str, bytes]:
    settings = Settings(members=members, seed=5, latest=latest, as_of=as_of)
    counts = produce(settings, DAY, folder, lambda done: None, **options)
    assert counts["members"] == members
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    alone = made(tmp_path / "one", members=60)
    assert made(tmp_path / "two", members=60, jobs=2) == alone
    assert "ExplanationOfBenefit.ndjson" in alone
    assert not [name for name in alone if name.endswith(".part")]


def test_compressed_files_hold_the_same_and_repeat(tmp_path: Path) -> None:
    plain = made(tmp_path / "plain")
    zipped = made(tmp_path / "zipped", zipped=True)
    assert zipped == made(tmp_path / "again", zipped=True)
    for name, body in plain.items():
        assert (gzip.decompress(zipped[f"{name}.gz"]) if name != "members.csv" else zipped[name]) == body


def lines(files: dict[str, bytes], type: str = "ExplanationOfBenefit") -> list[Any]:
    return [json.loads(line) for line in files[f"{type}.ndjson"].splitlines()]


def test_a_line_is_the_latest_version_that_was_visible_on_the_day(tmp_path: Path) -> None:
    every = lines(made(tmp_path / "every", latest=False))
    for name, day in (("today", DAY.isoformat()), ("earlier", "2025-06-30"), ("later", "2026-08-31")):
        as_of = "" if name == "today" else day
        latest = lines(made(tmp_path / name, as_of=as_of))
        visible = [eob for eob in every if eob["meta"]["lastUpdated"][:10] <= day]
        expected = {eob["id"]: eob for eob in visible}
        assert latest == list(expected.values())
        assert lines(made(tmp_path / f"{name} all", latest=False, as_of=day)) == visible
        index = list(csv.DictReader((tmp_path / name / "members.csv").read_text().splitlines()))
        assert sum(int(row["ExplanationOfBenefit"]) for row in index) == len(latest)
    assert len(every) > len(visible) > len(latest)


def test_what_is_visible_refers_to_what_is_visible(tmp_path: Path) -> None:
    files = made(tmp_path / "out", members=40)
    types = [path.removesuffix(".ndjson") for path in files if path[0].isupper()]
    ids = {f"{type}/{line['id']}" for type in types for line in lines(files, type)}
    text = b"".join(files.values()).decode()
    assert not set(re.findall(r'"reference":"([A-Z]\w+/[\w-]+)"', text)) - ids


def test_the_index_has_a_row_for_each_login_and_counts_claims(tmp_path: Path) -> None:
    rows = list(csv.DictReader(made(tmp_path)["members.csv"].decode().splitlines()))
    assert len(rows) == 9
    maria = rows[0]
    assert maria["username"] == "maria"
    assert int(maria["ExplanationOfBenefit"]) == sum(
        int(maria[kind]) for kind in ("inpatient", "outpatient", "professional", "vision", "pharmacy", "oral")
    )


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path: Path, stopped: type[BaseException]) -> None:
    def stop(done: int) -> None:
        assert list(tmp_path.glob("*/*.part"))
        raise stopped

    with pytest.raises(stopped):
        produce(Settings(members=9), DAY, tmp_path / "out", stop)
    with pytest.raises(stopped):
        stock(Settings(members=9, store=str(tmp_path / "store")), DAY, stop)
    assert [list((tmp_path / name).iterdir()) for name in ("out", "store")] == [[], []]


def test_parts_of_writers_that_are_gone_are_swept(tmp_path: Path) -> None:
    settings = Settings(members=1, store=str(tmp_path))
    gone, other = tmp_path / "library-0123.db.99.part", tmp_path / "notes.part"
    for path in (gone, other):
        path.touch()
    with part_file(tmp_path / "library-4567.db") as alive:
        stock(settings, DAY, lambda done: None)
        assert alive.exists()
        assert not gone.exists()
    gone.touch()
    prepared(settings, DAY, lambda done: None)
    assert not gone.exists()
    assert other.exists(), "it is not ours"


def test_the_parts_of_a_writer_that_is_killed_are_swept_at_the_next_start(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from sandbox.core.part_file import part_file\n"
        "with part_file(Path(sys.argv[1]) / 'library-0.db'): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob("library-0.db.*.part"))) == 1
    sweep_parts(tmp_path, "library-*.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("members", [0, -5])
def test_nobody_is_not_a_population(tmp_path: Path, members: int) -> None:
    with pytest.raises(UsageError):
        produce(Settings(members=members), DAY, tmp_path / "none", lambda done: None)
    assert not (tmp_path / "none").exists()


def test_a_store_holds_what_the_files_hold_whoever_made_it(tmp_path: Path) -> None:
    members = 40
    written = made(tmp_path / "files", members=members, latest=False)
    held = []
    for name, jobs in (("one", 1), ("two", 2)):
        settings = Settings(members=members, seed=5, store=str(tmp_path / name))
        path, counts = stock(settings, DAY, lambda done: None, jobs=jobs)
        assert path == place(settings, DAY) == prepared(settings, DAY, never)
        assert {f"{stem}.ndjson": n for stem, n in counts.items()} == {
            name: body.count(b"\n") for name, body in written.items() if name != "members.csv"
        }
        with closing(sqlite3.connect(path)) as db:
            rows = [db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in TABLES]
        held.append(rows)
    assert held[0] == held[1]
    with closing(sqlite3.connect(path)) as db:
        packing = Packing(db.execute("SELECT value FROM about WHERE name = 'dictionary'").fetchone()[0])
    assert packing.dictionary
    bodies = {packing.unpack(body) for *_, body in held[0][1]}
    assert bodies == {
        line for name, body in written.items() if name[0].isupper() for line in body.splitlines()
    }


def never(done: int) -> None:
    raise AssertionError("there is a library, and another is made")
