"""What was deleted: 410 to who could read it before, 404 to everybody else, and no part of any search."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import stores
from support.grants import hold_token
from werkzeug.test import Client, TestResponse

from sandbox.core.clock import FrozenClock
from sandbox.core.files import json_bytes
from sandbox.population.import_fhir import load
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store.library.write import build

BEFORE, AFTER = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)


def entry(kind: str, id: str, version: str, at: str, **content: Any) -> dict[str, Any]:
    resource = {"resourceType": kind, "id": id, "meta": {"versionId": version, "lastUpdated": at}, **content}
    request = {"method": "PUT", "url": f"{kind}/{id}"}
    return {"resource": resource, "request": request, "response": {"status": "200", "lastModified": at}}


def deleted(kind: str, id: str, at: str) -> dict[str, Any]:
    return {"request": {"method": "DELETE", "url": f"{kind}/{id}"}, "response": {"lastModified": at}}


MINE, PERFORMER = {"reference": "Patient/p1"}, [{"reference": "Organization/o1"}]
HISTORY = {
    "resourceType": "Bundle",
    "type": "history",
    "entry": [
        entry("Patient", "p1", "1", "2025-01-01"),
        entry("Patient", "p2", "1", "2025-01-01"),
        entry("Observation", "o1", "1", "2025-01-01", subject=MINE, status="final", performer=PERFORMER),
        entry("Observation", "o1", "2", "2025-06-01", subject=MINE, status="amended"),
        deleted("Observation", "o1", "2026-02-01T00:00:00Z"),
        entry("Observation", "back", "1", "2025-01-01", subject=MINE, status="final"),
        deleted("Observation", "back", "2025-02-01T00:00:00Z"),
        entry("Observation", "back", "3", "2025-03-01", subject=MINE, status="amended"),
        entry("Organization", "o1", "1", "2025-01-01"),
        deleted("Organization", "o1", "2026-02-01T00:00:00Z"),
        deleted("Observation", "unheard-of", "2026-02-01T00:00:00Z"),
    ],
}


class Payer:
    """Holds tokens for both members: `t1` for all of p1's, `t2` of p2's, `t3` for vital signs of p1."""

    def __init__(self, folder: Path):
        (folder / "data").mkdir()
        (folder / "data" / "history.json").write_bytes(json_bytes(HISTORY))
        library = stores.place(folder / "library.db")
        build(library, load(folder / "data")[0])
        self.clock = FrozenClock(AFTER)
        settings = Settings(library=str(library), ledger=stores.ledger(folder / "ledger.db"))
        app = create_app(settings, self.clock)
        self.client = Client(app)
        ledger = app.extensions["wiring"].ledger.tenant("")
        vital_signs = "patient/Observation.rs?category=vital-signs"
        for token, who, scope in (
            ("t1", "p1", "patient/*.rs"),
            ("t2", "p2", "patient/*.rs"),
            ("t3", "p1", vital_signs),
        ):
            hold_token(ledger, token, who, scope)

    def get(self, path: str, token: str = "t1") -> TestResponse:
        return self.client.get(f"/fhir/{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def payer(tmp_path: Path) -> Payer:
    return Payer(tmp_path)


@pytest.mark.parametrize(
    "path",
    ["Observation/o1", "Observation/o1/_history/1", "Observation/o1/_history", "Organization/o1"],
)
def test_what_was_deleted_is_gone_from_then_on(payer: Payer, path: str) -> None:
    answer = payer.get(path)
    assert answer.status_code == 410
    (issue,) = answer.json["issue"]
    assert (issue["code"], issue["diagnostics"]) == ("deleted", answer.headers["X-Request-Id"])
    payer.clock.at = BEFORE
    assert payer.get(path).status_code == 200


def test_nobody_else_learns_that_there_was_something(payer: Payer) -> None:
    assert payer.get("Observation/o1", "t2").status_code == 404
    assert payer.get("Observation/o1", "t3").status_code == 404
    assert payer.get("Observation/unheard-of").status_code == 404


@pytest.mark.parametrize("path", ["Observation", "Patient/p1/$everything", "Observation?_id=o1,back"])
def test_no_search_finds_it(payer: Payer, path: str) -> None:
    def found() -> set[str]:
        return {e["resource"]["id"] for e in payer.get(path).json["entry"]}

    assert "back" in found()
    assert "o1" not in found()
    payer.clock.at = BEFORE
    assert "o1" in found()


def test_what_came_back_is_there(payer: Payer) -> None:
    assert payer.get("Observation/back").json["meta"]["versionId"] == "3"
    history = payer.get("Observation/back/_history").json
    assert [e["resource"]["meta"]["versionId"] for e in history["entry"]] == ["3", "1"]
