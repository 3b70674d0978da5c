"""What the server knows at each gate, held against what `scenarios lint` believes; headers and preflights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import httpx
import pytest
from support.running import listening
from support.smart_app import SmartApp

from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.response import ADDED, SENT
from sandbox.faults.gates import BoundGates
from sandbox.faults.lint import AT_GATE
from sandbox.settings import Settings

APP = "http://localhost:5173"
NO_ORIGIN = {"do": "drop_header", "name": "Access-Control-Allow-Origin"}
OWN: dict[str, list[dict[str, Any]]] = {
    "closed-on-errors": [{"when": {"status": "4xx"}, "then": NO_ORIGIN}],
    "closed-always": [{"then": NO_ORIGIN}],
    "no-preflights": [{"when": {"method": "OPTIONS"}, "then": {"do": "refuse", "status": 405}}],
    "refuses-all": [{"when": {"path": "/fhir/*"}, "then": {"do": "refuse", "status": 503}}],
    "page-instead": [{"when": {"path": "/fhir/Patient"}, "then": {"do": "reply_with", "status": 500}}],
    "every-second": [{"when": {"every": 2}, "then": {"do": "change_status", "status": 500}}],
    "watched": [{"when": {"path": "/nowhere"}, "then": {"do": "refuse"}}],
}


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("own")
    for name, rules in OWN.items():
        body = {"id": name, "title": "t", "story": "s", "area": "data", "expect": {}, "reproduce": "r"}
        written = json_bytes(body | {"rules": rules, "shows": [{"sign_in": "maria"}]})
        (folder / f"{name}.yaml").write_bytes(written)
    with listening(replace(settings, own_scenarios=str(folder))) as origin:
        yield origin


def preflight(base: str) -> httpx.Response:
    headers = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    return httpx.options(f"{base}/fhir/Patient", headers=headers)


def test_a_scenario_closes_errors_to_browsers(own: str, session_name: str) -> None:
    with SmartApp(f"{own}/s/closed-on-errors~{session_name}").connect("maria") as app:
        good, bad = app.get("Patient", Origin=APP), app.get("Patient?birthdate=soon", Origin=APP)
    assert (good.status_code, good.headers["access-control-allow-origin"]) == (200, APP)
    assert (bad.status_code, "access-control-allow-origin" in bad.headers) == (400, False)
    assert bad.headers["sandbox-effects"] == "closed-on-errors:drop_header"
    always = httpx.get(f"{own}/s/closed-always/fhir/metadata", headers={"Origin": APP})
    assert (always.status_code, "access-control-allow-origin" in always.headers) == (200, False)


def test_an_answer_that_is_replaced_stays_readable_for_the_same_browsers(own: str) -> None:
    answer = httpx.get(f"{own}/s/page-instead/fhir/Patient", headers={"Origin": APP})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, APP)


def test_a_preflight_is_refused_by_rules_that_name_its_method_only(own: str) -> None:
    assert preflight(f"{own}/s/no-preflights").status_code == 405
    passed = preflight(f"{own}/s/refuses-all")
    assert (passed.status_code, passed.headers["access-control-allow-origin"]) == (204, APP)
    base = f"{own}/s/every-second"
    assert [preflight(base).status_code for _ in range(4)] == [204] * 4
    assert [httpx.get(f"{base}/fhir/metadata").status_code for _ in range(4)] == [200, 500, 200, 500]


def test_each_gate_knows_what_lint_believes(
    own: str, session_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded over a sign-in, a refresh, and every kind of request for data."""
    known: dict[Stage, set[str]] = defaultdict(set)
    headers: set[str] = set()
    run = BoundGates.run

    def recorded(self: BoundGates, stage: Stage, value: Any, facts: Facts) -> Any:
        known[stage] |= {field.name for field in fields(facts) if getattr(facts, field.name)}
        if stage is Stage.RESPONSE:
            headers.update(name.lower() for name, _ in value.headers)
        return run(self, stage, value, facts)

    monkeypatch.setattr(BoundGates, "run", recorded)
    monkeypatch.setattr(BoundGates, "armed", lambda self, stage: True)
    with SmartApp(f"{own}/s/watched~{session_name}").connect("maria") as app:
        app.refresh()
        app.pages("ExplanationOfBenefit?_count=10")
        app.everything(f"Patient/{app.patient}/$everything?_count=100")
        app.get(f"Patient/{app.patient}/_history")
        app.get("metadata", Origin=APP)
        app.get("Nonsense")
        app.http.get(f"{app.base}/fhir/Patient")
        app.http.get(f"{app.base}/portal")
        app.http.put(f"{app.base}/fhir/Patient")
        preflight(app.base)
    everywhere = {"method", "path", "params", "caller", "agent", "preflight"}
    assert {stage: names - everywhere for stage, names in known.items()} == dict(AT_GATE)
    # What the development server of this test adds and `serve` adds behind the gate is no header of ours.
    assert headers - set(ADDED) <= set(SENT), headers - set(SENT)
