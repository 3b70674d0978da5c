"""An API of another package, found by its entry points: its types, renderers and scenario come with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[1] / "support" / "plan_finder"
ASK = """
import json, sys
from dataclasses import replace
from pathlib import Path
from sandbox.server.app import create_app
from sandbox.server.embedded import with_library
from sandbox.settings import from_env

folder, package, *paths = sys.argv[1:]
settings = replace(from_env({}), members=3, cache=Path(folder), own_scenarios=package)
app = create_app(replace(with_library(settings), ledger=str(Path(folder) / "ledger.db")))
client = app.test_client()
answers = {}
stray = {"Origin": "https://anywhere.example", "Authorization": "Bearer stray"}
for step in paths:
    method, path, body = (*step.split(" ", 2), None, None)[:3] if " " in step else ("GET", step, None)
    headers = {} if "_sandbox" in path else stray
    json_type = {"data": body, "content_type": "application/fhir+json"} if body else {}
    answer = client.open(path, method=method, headers=headers, **json_type)
    answers[step] = {"status": answer.status_code, "body": answer.json, "headers": dict(answer.headers)}
print(json.dumps(answers))
"""
PLANS = "/plans/fhir/InsurancePlan"
PATHS = (
    PLANS,
    f"{PLANS}?name=zzz",
    f"{PLANS}?_include=InsurancePlan:endpoint&_count=1",
    "/plans/fhir/Endpoint/patient-access",
    "/plans/fhir/Patient",
    "/plans/fhir/metadata",
    "/fhir/metadata",
    "/developer/openapi/plan_finder.json",
    "/s/plans-throttled/plans/fhir/InsurancePlan",
    "/s/plans-throttled/plans/fhir/Endpoint",
    "/s/plans-throttled/plans/fhir/metadata",
    "/_sandbox/journal",
)
NEW = json.dumps({"resourceType": "InsurancePlan", "id": "new", "name": "Written"})
RENAMED = json.dumps({"resourceType": "InsurancePlan", "id": "jhp-ppo-1000", "name": "Written too"})
EDITED = "/s/~edited/plan-editor/fhir/InsurancePlan"
EDITS = (
    f"PUT {EDITED}/new {NEW}",
    f"PUT {EDITED}/jhp-ppo-1000 {RENAMED}",
    f"{EDITED}?name=written",
    f"/s/~edited{PLANS}",
    f"{EDITED}/jhp-ppo-1000/_history",
    f"/s/~other{PLANS}?name=written",
    f"DELETE {EDITED}/jhp-ppo-1000",
    f"{EDITED}/jhp-ppo-1000",
    "POST /s/~edited/_sandbox/reset",
    f"/s/~edited{PLANS}?name=written",
    f"/s/~edited{PLANS}/jhp-ppo-1000",
)
Answers = Mapping[str, dict[str, Any]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What a payer with the package answers, each path asked once in this order."""
    folder = tmp_path_factory.mktemp("package")
    environ = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-c", ASK, str(folder), str(PACKAGE), *PATHS, *EDITS]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    parsed: Answers = json.loads(run.stdout.splitlines()[-1])
    return parsed


def test_its_resources_are_searched_and_read_by_anybody(answers: Answers) -> None:
    plans = answers[PLANS]["body"]
    assert plans["total"] == len(plans["entry"]) > 3
    assert answers[f"{PLANS}?name=zzz"]["body"]["total"] == 0
    page = answers[f"{PLANS}?_include=InsurancePlan:endpoint&_count=1"]["body"]
    assert [entry["resource"]["resourceType"] for entry in page["entry"]] == ["InsurancePlan", "Endpoint"]
    assert answers["/plans/fhir/Endpoint/patient-access"]["status"] == 200
    assert answers[PLANS]["headers"]["Access-Control-Allow-Origin"] == "*"


def test_it_serves_its_own_types_and_no_other_api_serves_them(answers: Answers) -> None:
    outcome = answers["/plans/fhir/Patient"]
    assert (outcome["status"], outcome["body"]["resourceType"]) == (404, "OperationOutcome")
    own, members = (
        {row["type"] for row in answers[path]["body"]["rest"][0]["resource"]}
        for path in ("/plans/fhir/metadata", "/fhir/metadata")
    )
    assert own == {"InsurancePlan", "Endpoint"}
    assert "Patient" in members
    assert not own & members


def test_its_addresses_are_documented(answers: Answers) -> None:
    document = answers["/developer/openapi/plan_finder.json"]["body"]
    assert document["info"]["title"].endswith("Plan Finder API")
    assert "/InsurancePlan/{id}" in document["paths"]
    assert "securitySchemes" not in document["components"]


def test_its_scenario_acts_on_it_and_the_journal_tells_of_it(answers: Answers) -> None:
    statuses = [answers[path]["status"] for path in PATHS if path.startswith("/s/")]
    assert statuses == [200, 200, 429]
    paths = [entry["path"] for entry in answers["/_sandbox/journal"]["body"]["entries"]]
    assert paths.count(PLANS) == 3


def test_what_an_api_writes_is_read_and_searched_with_the_library(answers: Answers) -> None:
    created, replaced, search, listed, history, *_ = (answers[step] for step in EDITS)
    assert (created["status"], replaced["status"]) == (201, 200)
    assert [entry["resource"]["name"] for entry in search["body"]["entry"]] == ["Written", "Written too"]
    assert listed["body"]["total"] == answers[PLANS]["body"]["total"] + 1
    assert [entry["resource"]["meta"]["versionId"] for entry in history["body"]["entry"]] == ["2", "1"]
    assert answers[f"/s/~other{PLANS}?name=written"]["body"]["total"] == 0


def test_what_an_api_deleted_is_gone_until_the_payer_is_reset(answers: Answers) -> None:
    deleted, gone, reset, search, restored = (answers[step] for step in EDITS[6:])
    assert (deleted["status"], gone["status"], reset["status"]) == (204, 410, 200)
    assert search["body"]["total"] == 0
    assert restored["body"]["name"] != "Written too"
