"""A ledger that cannot be written: reads go on, writes that matter say so, health tells the truth."""

from __future__ import annotations

import logging
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support.grants import NEVER, hold_token
from support.running import PATIENCE
from werkzeug.test import Client, TestResponse

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.core.errors import Unavailable
from sandbox.server.app import create_app
from sandbox.server.serve import _ledger
from sandbox.settings import Settings
from sandbox.store import driver
from sandbox.store.failures import is_unavailable
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.grants import Code

REDIRECT = "http://127.0.0.1:9876/callback"


@contextmanager
def full(ledger: Ledger, path: Path) -> Iterator[None]:
    """No page may be added any more, as on a disk that is full."""
    _each(ledger, "PRAGMA max_page_count=1")
    free = sqlite3.connect(path)
    free.execute("PRAGMA incremental_vacuum").fetchall()
    free.close()
    _fill_pages(ledger)
    yield
    _each(ledger, "PRAGMA max_page_count=1000000")


def _each(ledger: Ledger, pragma: str) -> None:
    """On every connection, those that come later included."""

    @event.listens_for(ledger._engine, "connect")
    def late(connection: Any, record: Any) -> None:
        connection.execute(pragma)

    ledger._driver.close()
    ledger._probe.close()
    ledger._engine.dispose()


def _fill_pages(ledger: Ledger) -> None:
    """Use up what is left in the pages that are there, in every table that is written below."""
    while not ledger.upkeep.failing:
        ledger.tenant("").note({"x": "y" * 2000})


@contextmanager
def locked(ledger: Ledger, path: Path) -> Iterator[None]:
    """Another program holds the lock for writing and does not let go."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def read_only(ledger: Ledger, path: Path) -> Iterator[None]:
    _each(ledger, "PRAGMA query_only=1")
    yield
    _each(ledger, "PRAGMA query_only=0")


class Payer:
    """A payer in this process with a token, and its ledger."""

    def __init__(self, app: Any, path: Path, clock: FrozenClock):
        self.app, self.path, self.clock = app, path, clock
        self.ledger: Ledger = app.extensions["wiring"].ledger
        self.client = Client(app.wsgi_app, TestResponse)
        self.patient = app.extensions["wiring"].accounts["maria"].patient
        hold_token(self.ledger.tenant(""), "t", self.patient, username="maria")
        code = Code("t", "sandbox-app", REDIRECT, None, None, NEVER, None)
        self.ledger.tenant("").add_code("c", code)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"Authorization": "Bearer t"} | headers)


@pytest.fixture
def payer(library_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Payer]:
    for patience in ("PATIENCE", "PROBE"):
        monkeypatch.setattr(f"sandbox.store.ledger.database.{patience}", 1)
    clock = FrozenClock(SystemClock().now())
    path = tmp_path / "ledger.db"
    app = create_app(replace(Settings(), library=str(library_file), ledger=str(path)), clock)
    yield Payer(app, path, clock)
    app.extensions["wiring"].ledger.close()


STATES = [full, locked, read_only]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("origin", ["", "http://elsewhere.example"], ids=["lane", "flask"])
def test_reads_go_on_without_a_journal(payer: Payer, state: Callable[..., Any], origin: str) -> None:
    asked = [f"/fhir/Patient/{payer.patient}", "/fhir/ExplanationOfBenefit?_count=2", "/fhir/metadata"]
    asked += ["/s/~unseen/fhir/metadata", "/s/broken-references/fhir/metadata"]
    headers = {"Origin": origin} if origin else {}
    with state(payer.ledger, payer.path):
        for _ in range(2):
            assert {payer.get(path, **headers).status_code for path in asked} == {200}
        assert payer.ledger.upkeep.lost >= 6
    payer.clock.advance(timedelta(seconds=2))
    before = payer.ledger.tenant("").last_number()
    assert payer.get(asked[0], **headers).status_code == 200
    assert payer.ledger.tenant("").last_number() > before


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_health_tells_the_truth(payer: Payer, state: Callable[..., Any]) -> None:
    well = payer.client.get("/_sandbox/health")
    assert (well.status_code, well.json["status"]) == (200, "ok")  # type: ignore[index]
    with state(payer.ledger, payer.path):
        payer.get("/fhir/metadata")
        payer.clock.advance(timedelta(seconds=2))
        ill = payer.client.get("/_sandbox/health")
        assert ill.status_code == 503
        assert ill.json["status"] == "degraded"  # type: ignore[index]
        assert any("journal" in problem for problem in ill.json["problems"])  # type: ignore[index]
    payer.clock.advance(timedelta(seconds=2))
    payer.get("/fhir/metadata")
    assert payer.client.get("/_sandbox/health").json["status"] == "ok"  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("state", [locked, read_only], ids=lambda state: state.__name__)
def test_writes_that_matter_answer_503_in_the_shape_of_their_surface(
    payer: Payer, state: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    form = {"grant_type": "authorization_code", "code": "c", "redirect_uri": REDIRECT}
    form |= {"client_id": "sandbox-app"}
    registration = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    with state(payer.ledger, payer.path), caplog.at_level(logging.ERROR):
        for answer in (
            payer.client.post("/auth/token", data=form),
            payer.client.post("/auth/register", json=registration),
            payer.client.post("/auth/par", data={"client_id": "sandbox-app"}),
        ):
            assert answer.status_code == 503
            assert answer.json["error"] == "temporarily_unavailable"  # type: ignore[index]
            assert answer.headers["Retry-After"] == "5"
        assert payer.client.get("/portal").status_code == 503
        here = {"REMOTE_ADDR": "127.0.0.1"}
        moved = payer.client.post("/_sandbox/clock", json={"advance": "PT1H"}, environ_base=here)
        assert (moved.status_code, moved.json["error"]) == (503, "transient")  # type: ignore[index]
    assert not caplog.records  # no traceback
    payer.clock.advance(timedelta(seconds=2))
    assert payer.client.post("/auth/token", data=form).status_code == 200  # the code is as it was


def test_nobody_waits_for_a_journal_that_failed_a_moment_ago(payer: Payer) -> None:
    tries: list[int] = []
    run = payer.ledger._driver.run

    def failing(statement: Any, **values: Any) -> None:
        if "entry" in values:
            tries.append(1)
            raise Unavailable()
        run(statement, **values)

    payer.ledger._driver.run = failing  # type: ignore[method-assign]
    for _ in range(50):
        assert payer.get("/fhir/metadata").status_code == 200
    assert (len(tries), payer.ledger.upkeep.lost) == (1, 50)
    payer.clock.advance(timedelta(seconds=1))
    payer.get("/fhir/metadata")
    assert len(tries) == 2


class AnnouncingLock:
    """A lock that says when somebody asks for it."""

    def __init__(self) -> None:
        self._lock, self.asked = threading.Lock(), threading.Event()

    def acquire(self) -> bool:
        self.asked.set()
        return self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


def test_writers_that_wait_behind_one_that_failed_fail_with_it() -> None:
    queue, lock = driver._Queue(), AnnouncingLock()
    queue._lock = lock  # type: ignore[assignment]

    def write(meanwhile: Callable[[], object] = lambda: None, fails: bool = False) -> str:
        try:
            with queue:
                meanwhile()
                if fails:
                    raise Unavailable
        except Unavailable:
            return "failed"
        return "written"

    with ThreadPoolExecutor(1) as others:
        behind: list[Future[str]] = []

        def another_one_comes() -> None:
            lock.asked.clear()
            behind.append(others.submit(write))
            assert lock.asked.wait(PATIENCE)

        assert write(another_one_comes, fails=True) == "failed"
        assert behind[0].result(PATIENCE) == "failed"
    assert write() == "written"


def test_lost_entries_are_logged_once_in_a_while(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2027, 1, 1, tzinfo=UTC))
    ledger = Ledger(tmp_path / "ledger.db", clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(120):
            clock.advance(timedelta(seconds=1))
            ledger.upkeep.fail()
    assert len(caplog.records) == 2
    ledger.close()


def test_a_mistake_of_ours_is_no_accident_of_the_database(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "x.db")
    db.execute("CREATE TABLE t (x UNIQUE)")
    db.execute("INSERT INTO t VALUES (1)")
    for statement in ("SELECT * FROM nothing", "INSERT INTO t VALUES (1)", "nonsense"):
        with pytest.raises(sqlite3.Error) as mistake:
            db.execute(statement)
        assert not is_unavailable(mistake.value)
    db.close()
    assert not is_unavailable(ValueError("no"))


# --- who may read it -----------------------------------------------------------------------------------


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


def test_a_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    ledger = Ledger(folder / "ledger.db")
    ledger.tenant("").note({})
    assert len(list(folder.iterdir())) == 3  # -wal and -shm beside it
    assert _modes(folder) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    ledger.close()


def test_the_folder_of_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    path = Path(_ledger(Settings(store=str(tmp_path / "store"))))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_ledger_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.tenant("").note({})
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    again = Ledger(tmp_path / "ledger.db")
    assert _modes(tmp_path) == {0o600}
    for each in (again, ledger):
        each.close()
