"""What `scenarios lint` says of valid scenarios: rules that never act, real addresses, keywords."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli.scenario_lint import lint
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.faults.effects.response import ADDED, SENT
from sandbox.faults.lint import AT_GATE, find_idle, find_real_hosts
from sandbox.faults.scenario import VERBS, Rule


def scenario(folder: Path, *rules: dict[str, Any], **more: Any) -> Path:
    path = folder / "own.yaml"
    body = {"id": "own", "title": "t", "story": "s", "area": "data", "expect": {}, "reproduce": "r"}
    path.write_bytes(json_bytes(body | {"rules": list(rules), "shows": [{"sign_in": "maria"}]} | more))
    return path


NEVER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"member": "maria"}, {"do": "refuse"}, "when.member: is not known yet at the request gate"),
    ({"page": 2}, {"do": "delay", "seconds": 1}, "when.page: is not known yet"),
    ({"client": "a", "path": "/fhir/*"}, {"do": "refuse"}, "when.client is known"),
    ({"resource": "Patient", "path": "/auth/*"}, {"do": "refuse"}, "when.resource is known only at /fhir/*"),
    ({"path": "/fhir/*"}, {"do": "omit_patient"}, "the gate is only at /auth/token"),
    ({"path": "/auth/token"}, {"do": "drop_state"}, "the gate is only at /auth/authorize"),
    ({"path": "/auth/*"}, {"do": "omit_total"}, "/fhir/*"),
    ({"path": "fhir/Patient"}, {"do": "refuse"}, "below the payer's prefix"),
    ({"path": "/s/x/fhir/Patient"}, {"do": "refuse"}, "below the payer's prefix"),
    ({"path": "/fhir/Patient?name=x"}, {"do": "refuse"}, "use when.param"),
    ({"path": "/_sandbox/clock"}, {"do": "refuse"}, "control API"),
    ({"method": "FETCH"}, {"do": "refuse"}, "when.method"),
    ({"method": "GET"}, {"do": "omit_patient"}, "when.method"),
    ({"method": "DELETE"}, {"do": "omit_total"}, "when.method"),
    ({"grant_type": "refresh_token"}, {"do": "drop_state"}, "when.grant_type: is not known"),
    ({"grant_type": "password"}, {"do": "omit_patient"}, "this payer supports"),
    (
        {"grant_type": "refresh_token", "path": "/fhir/*"},
        {"do": "change_status", "status": 500},
        "/auth/token",
    ),
    ({"param": "grant_type"}, {"do": "omit_patient"}, "use grant_type"),
    ({"param": "_count", "lacks": "_count"}, {"do": "refuse"}, "when.lacks"),
    ({"resource": "Patent"}, {"do": "omit_total"}, "no resource type 'Patent'"),
    ({"resource": "patient"}, {"do": "refuse"}, "no resource type 'patient'"),
    ({"nth": 5, "first": 3}, {"do": "refuse"}, "select no request together"),
    ({"nth": 2, "after": 2}, {"do": "refuse"}, "select no request together"),
    ({"nth": 3, "every": 2}, {"do": "refuse"}, "select no request together"),
    ({"every": 4, "first": 3}, {"do": "refuse"}, "select no request together"),
    ({"after": 3, "first": 3}, {"do": "refuse"}, "select no request together"),
    ({"status": "4xx"}, {"do": "drop_field", "path": "x"}, "200 to 299"),
    ({"status": 200}, {"do": "redress", "dress": "xml"}, "400 to 599"),
    ({"status": "2xx"}, {"do": "dead_end"}, "300 to 399"),
    ({"path": "/auth/token"}, {"do": "loop_next_link"}, "loop_next_link applies only at /fhir*"),
    ({"window": {"after": "P9D", "before": "P3D"}}, {"do": "refuse"}, "ends before it begins"),
    ({}, {"do": "drop_header", "name": "X-Request-Id"}, "added after"),
    (
        {},
        {"do": "drop_header", "name": "Acess-Control-Allow-Origin"},
        "did you mean access-control-allow-origin?",
    ),
    ({}, {"do": "set_header", "name": "Content-Length", "value": "1"}, "set after"),
    ({}, {"do": "reject_param", "param": "pateint"}, "no resource type has a search parameter"),
    ({}, {"do": "ignore_param", "param": "pateint"}, "no resource type has a search parameter"),
    ({}, {"do": "expire_early"}, "needs "),
    ({}, {"do": "rewrite_link"}, "needs "),
    ({}, {"do": "shift_times", "seconds": 0}, "0 seconds"),
    ({}, {"do": "shift_date", "seconds": 0}, "0 seconds"),
    ({"param": "code"}, {"do": "drop_claim", "claim": "aud"}, "use grant_type"),
    ({"path": "/fhir/*"}, {"do": "drop_claim", "claim": "aud"}, "the gate is only at /auth/token"),
    ({"path": "/auth/login"}, {"do": "insert_step"}, "insert_step applies only at /auth/consent"),
    ({}, {"do": "alter_id_token"}, "needs a claim"),
    ({}, {"do": "narrow_types"}, "needs "),
    ({}, {"do": "narrow_types", "drop": ["Clam"]}, "no resource type 'Clam'"),
    ({}, {"do": "hide_share", "share": 1, "types": ["Clam"]}, "no resource type 'Clam'"),
    ({}, {"do": "break_reference", "targets": ["Clam"]}, "no resource type 'Clam'"),
    ({}, {"do": "copy_entry", "type": "Clam"}, "no resource type 'Clam'"),
    ({}, {"do": "drop_callback_param", "name": "stat"}, "is never sent"),
    ({}, {"do": "rename_element", "path": "a.b", "to": "b"}, "already has"),
    ({}, {"do": "rename_field", "path": "a.b", "to": "b"}, "already has"),
    ({}, {"do": "rename_link_relation", "to": "next"}, "already has"),
    ({}, {"do": "rewrite_field", "path": "a", "find": "x", "by": "x"}, "the same"),
    ({}, {"do": "swap_code_system", "system": "a", "to": "a"}, "the same"),
]


@pytest.mark.parametrize(("when", "then", "says"), NEVER)
def test_a_rule_that_never_acts_is_told_with_its_reason(
    tmp_path: Path, when: dict[str, Any], then: dict[str, Any], says: str
) -> None:
    complaints = lint(scenario(tmp_path, {"when": when, "then": then}))
    assert any(says in line and line.endswith("so the rule never applies") for line in complaints), complaints


ACTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"status": "4xx"}, {"do": "drop_header", "name": "Access-Control-Allow-Origin"}),
    ({"method": "OPTIONS"}, {"do": "refuse"}),
    ({"path": "*/metadata"}, {"do": "refuse"}),
    ({"path": "/fhir"}, {"do": "refuse"}),
    ({"path": "/fhir/metadata"}, {"do": "drop_element", "path": "rest"}),
    ({"resource": "CapabilityStatement"}, {"do": "drop_element", "path": "rest"}),
    ({"path": "/auth/*", "client": "sandbox-app"}, {"do": "refuse"}),
    ({"path": "*token", "grant_type": "refresh_token"}, {"do": "refuse"}),
    ({"path": "/auth/consent", "member": "maria"}, {"do": "drop_state"}),
    ({"first": 4, "after": 1, "every": 2, "nth": 4}, {"do": "refuse"}),
    ({"path": "/nowhere"}, {"do": "refuse"}),
]


@pytest.mark.parametrize(("when", "then"), ACTS)
def test_a_rule_that_can_act_is_no_complaint(
    tmp_path: Path, when: dict[str, Any], then: dict[str, Any]
) -> None:
    assert lint(scenario(tmp_path, {"when": when, "then": then})) == []


KEYS = {"client": "sandbox-app", "member": "maria", "resource": "Patient", "page": 2}
KEYS |= {"grant_type": "refresh_token"}


def least(verb: str) -> dict[str, Any]:
    """The parameters that a verb cannot do without, with a value each."""
    values: dict[str, Any] = {}
    for name, part in VERBS[verb].model_json_schema()["properties"].items():
        if name in VERBS[verb].model_json_schema().get("required", ()) and name != "do":
            usual = {"string": "x", "integer": 1, "number": 0.5, "array": ["x"]}
            values[name] = part["enum"][0] if "enum" in part else usual.get(part.get("type"), 1)
            values[name] = max(values[name], part.get("minimum", 0)) if part.get("minimum") else values[name]
    return values | ({"newer_than_days": 9} if verb == "hide_by_age" else {})


@pytest.mark.parametrize(("verb", "key"), list(itertools.product(sorted(VERBS), KEYS)))
def test_a_key_is_complained_of_where_its_gate_does_not_know_it(verb: str, key: str) -> None:
    rule = Rule.model_validate({"when": {key: KEYS[key]}, "then": {"do": verb, **least(verb)}})
    told = [reason for reason in find_idle(rule) if "is not known yet" in reason]
    assert bool(told) is (key not in AT_GATE[VERBS[verb].stage])


def test_every_stage_is_in_the_table() -> None:
    assert set(AT_GATE) == set(Stage)
    assert not set(SENT) & set(ADDED)


# addresses

RULE = {"do": "restyle_reference", "style": "absolute"}


@pytest.mark.parametrize(
    "base",
    ["http://10.0.0.5:8080/fhir", "http://192.168.1.9/fhir", "https://payer.com/fhir", "http://fhir-internal/x",
     "http://[fd00::5]/fhir", "http://8.8.8.8/x", "http://x@10.1.2.3/fhir"],
)  # fmt: skip
def test_an_address_that_may_exist_is_told(tmp_path: Path, base: str) -> None:
    (complaint,) = lint(scenario(tmp_path, {"then": {**RULE, "base": base}}))
    assert "may exist where an app runs" in complaint
    assert "192.0.2.0/24" in complaint
    assert lint(scenario(tmp_path, {"then": {"do": "rewrite_link", "host": base.split("/")[2]}}))
    assert lint(scenario(tmp_path, payer={"website": base}))


@pytest.mark.parametrize(
    "base",
    ["http://192.0.2.5:8080/fhir", "http://198.51.100.1/x", "http://203.0.113.9/x", "https://a.invalid/x",
     "https://login.payer.example/x", "https://example.com", "http://127.0.0.1:9/x", "http://[2001:db8::1]/x",
     "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication", "urn:uuid:1.2.3.4.5"],
)  # fmt: skip
def test_an_address_that_exists_nowhere_is_no_complaint(tmp_path: Path, base: str) -> None:
    assert lint(scenario(tmp_path, {"then": {**RULE, "base": base}})) == []


def test_hosts_are_found_in_any_text() -> None:
    text = "see <http://10.9.8.7:80/a>, https://b.example and version 1.2.3.4.5 at 172.16.0.1."
    assert list(find_real_hosts({"a": [text]})) == ["10.9.8.7", "172.16.0.1"]


# keywords


def test_keywords_that_are_the_same_to_the_search_are_reported(tmp_path: Path) -> None:
    own = scenario(tmp_path, keywords=["user-agent", "401", "User Agent", "retry", "retries"])
    assert lint(own) == [
        "own.yaml: keywords: 'User Agent' is the same to the search as 'user-agent'",
        "own.yaml: keywords: 'retries' is the same to the search as 'retry'",
    ]


def test_only_a_scenario_of_the_sandbox_needs_keywords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    own = scenario(folder)
    assert lint(own) == []
    monkeypatch.setattr("sandbox.cli.scenario_lint.root", lambda: tmp_path)
    assert [complaint.partition(":")[0] for complaint in lint(own)] == ["own.yaml"]
    assert lint(scenario(folder, keywords=["401"])) == []
