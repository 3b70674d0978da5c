"""Loaded data with types that no guide speaks of: named by metadata and scopes, granted by members, read by
the patient whose they are, and wholly by a backend service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.command import command
from support.running import listening
from support.smart_app import SmartApp

from sandbox.core.clock import SystemClock, anchor
from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.population.build_library import prepared
from sandbox.server.sign_in import system_token
from sandbox.settings import Settings


def mine(patient: str) -> dict[str, str]:
    return {"reference": f"Patient/{patient}"}


DATA: list[dict[str, Any]] = [
    *({"resourceType": "Patient", "id": id, "birthDate": "1980-02-03"} for id in ("p1", "p2")),
    *(
        {"resourceType": "Claim", "id": f"c-{id}", "patient": mine(id),
         "provider": {"reference": "PractitionerRole/r1"}}
        for id in ("p1", "p2")
    ),
    {"resourceType": "PractitionerRole", "id": "r1", "identifier": [{"value": "7"}]},
    {"resourceType": "Group", "id": "g1", "member": [{"entity": mine("p1")}, {"entity": mine("p2")}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("loaded")
    (home / "all.ndjson").write_bytes(b"\n".join(map(json_bytes, DATA)))
    settings = Settings(data=str(home / "all.ndjson"), cache=home, ledger=str(home / "ledger.db"))
    settings = replace(settings, load_report=str(home / "report.json"))
    library = prepared(settings, anchor(SystemClock()), lambda *counts: None)
    assert json.loads((home / "report.json").read_text())["nobodys"] == {"Group": 1}
    with listening(replace(settings, library=str(library))) as origin:
        yield origin


@pytest.fixture
def member(loaded: str) -> Iterator[SmartApp]:
    with SmartApp(loaded) as app:
        yield app.connect("p1")


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return sorted(e["resource"]["id"] for e in answer.json().get("entry", ()))


def test_metadata_and_scopes_name_the_types_that_the_data_have(loaded: str) -> None:
    listed = httpx.get(f"{loaded}/fhir/metadata").json()["rest"][0]["resource"]
    (claim,) = [row for row in listed if row["type"] == "Claim"]
    assert {p["name"] for p in claim["searchParam"]} == {"_id", "_lastUpdated", "patient", "identifier"}
    assert {"Claim", "Group", "PractitionerRole"} <= {row["type"] for row in listed}
    assert "Task" not in {row["type"] for row in listed}
    smart = httpx.get(f"{loaded}/fhir/.well-known/smart-configuration").json()
    assert "patient/Claim.rs" in smart["scopes_supported"]
    assert "Claim" in httpx.get(f"{loaded}/developer/docs").text
    assert "loaded 6 resources (2 Patient, 2 Claim" in httpx.get(f"{loaded}/developer").text
    assert "/Claim/{id}" in httpx.get(f"{loaded}/developer/openapi.json").json()["paths"]


def test_a_member_reads_their_own_and_what_is_shared(member: SmartApp) -> None:
    assert ids(member.get("Claim")) == ids(member.get("Claim?patient=p1")) == ["c-p1"]
    assert member.get("Claim/c-p1").json()["provider"] == {"reference": "PractitionerRole/r1"}
    assert member.get("Claim/c-p2").status_code == member.get("Group/g1").status_code == 404
    assert member.get("Claim?patient=p2").status_code == 403
    assert ids(member.get("PractitionerRole?identifier=7")) == ["r1"]
    assert ids(member.get("Group")) == []
    assert ids(member.get("Patient?_revinclude=Claim:patient")) == ["c-p1", "p1"]
    assert ids(member.get("Patient/p1/$everything")) == ["c-p1", "p1", "r1"]
    assert ids(member.get("Patient/p1/$everything?_type=Claim")) == ["c-p1"]
    assert member.get("Patient/p1/$everything?_type=Task").status_code == 400
    assert member.get("Task").status_code == 404


def test_a_backend_service_reads_them_all(loaded: str) -> None:
    told = system_token(loaded, scope="")
    assert told["scope"] == "system/*.rs"
    for path, found in (("Claim", ["c-p1", "c-p2"]), ("Group", ["g1"]), ("Claim?patient=p2", ["c-p2"])):
        answer = httpx.get(f"{loaded}/fhir/{path}", headers=told.headers)
        assert ids(answer) == found


token_command = partial(command, "token")


def test_the_command_prints_a_token_or_the_response_as_it_was_sent(loaded: str) -> None:
    httpx.post(f"{loaded}/_sandbox/clock", json={"advance": "P40D"})  # the payer's time is not the machine's
    token = token_command("--system", "--url", loaded).stdout.strip()
    answer = httpx.get(f"{loaded}/fhir/Claim/c-p2", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    asked = ("--system", "--url", f"{loaded}/fhir", "--scope", "system/Group.rs", "--json")
    told = json.loads(token_command(*asked).stdout)
    assert set(told) == {"access_token", "token_type", "expires_in", "scope"}
    assert told["scope"] == "system/Group.rs"


def test_what_the_payer_says_to_a_scope_is_one_line(loaded: str) -> None:
    with pytest.raises(UsageError, match="sandbox-backend got no token: scope has no system scope"):
        system_token(loaded, scope="patient/Claim.rs")
