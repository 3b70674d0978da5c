"""The status table of the API: what each failure says, and what none of them repeats."""

from __future__ import annotations

import json
from email.parser import BytesParser

import pytest
from support.running import exchange_bytes, served
from support.smart_app import SmartApp

NUMBER = "MBR9876543210"
"""Stands for a member's number: no refusal repeats what was sent as a value."""


@pytest.mark.parametrize(
    ("path", "status", "code", "expression"),
    [
        (f"Patient/{NUMBER}", 404, "not-found", None),
        (f"{NUMBER}/1", 404, "not-supported", None),
        (NUMBER, 404, "not-supported", None),
        (f"Patient/{NUMBER}/{NUMBER}", 404, "not-supported", None),
        (f"Patient/{NUMBER}/_history/1", 404, "not-found", None),
        (f"Patient/1/_history/{NUMBER}", 404, "not-found", None),
        (f"Patient/{NUMBER}/$everything", 404, "not-found", None),
        (f"Patient/{NUMBER}/$merge", 404, "not-supported", None),
        (f"Coverage?patient={NUMBER}", 403, "forbidden", "patient"),
        (f"Coverage?patient={NUMBER}/1", 400, "invalid", "patient"),
        ("Patient/$everything", 400, "invalid", None),
        ("Coverage?patient=%00", 400, "invalid", "patient"),
        (f"Coverage?_lastUpdated={NUMBER}", 400, "invalid", "_lastUpdated"),
        (f"Coverage?_count={NUMBER}", 400, "invalid", "_count"),
        (f"Coverage?_sort={NUMBER}", 400, "invalid", "_sort"),
        (f"Coverage?_total={NUMBER}", 400, "invalid", "_total"),
        (f"Coverage?_summary={NUMBER}", 400, "invalid", "_summary"),
        (f"Coverage?_include={NUMBER}", 400, "invalid", "_include"),
        (f"Coverage?_include=Coverage:{NUMBER}", 400, "invalid", "_include"),
        (f"Coverage?_revinclude={NUMBER}:x", 400, "invalid", "_revinclude"),
        (f"Coverage?_elements={NUMBER}.x", 400, "invalid", "_elements"),
        (f"Coverage?_page={NUMBER}", 400, "invalid", "_page"),
        (f"Coverage?_format={NUMBER}", 406, "not-supported", "_format"),
        (f"Coverage?patient:missing={NUMBER}", 400, "invalid", "patient:missing"),
        (f"Coverage/1/_history?_since={NUMBER}", 400, "invalid", "_since"),
        ("Patient/{patient}/_history?_since=" + NUMBER, 400, "invalid", "_since"),
        ("Patient/{patient}/$everything?start=" + NUMBER, 400, "invalid", "start"),
        ("Patient/{patient}/$everything?_since=" + NUMBER, 400, "invalid", "_since"),
        ("Patient/{patient}/$everything?_type=" + NUMBER, 400, "invalid", "_type"),
        ("Patient/{patient}/$everything?_count=" + NUMBER, 400, "invalid", "_count"),
        (f"DocumentReference/$docref?patient={NUMBER}", 403, "forbidden", "patient"),
        ("DocumentReference/$docref?patient={patient}&start=" + NUMBER, 400, "invalid", "start"),
        ("DocumentReference/$docref?patient={patient}&on-demand=" + NUMBER, 400, "invalid", "on-demand"),
    ],
)
def test_a_refusal_names_the_parameter_and_never_its_value(
    maria: SmartApp, path: str, status: int, code: str, expression: str | None
) -> None:
    answer = maria.get(path.replace("{patient}", maria.patient))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    issue = answer.json()["issue"][0]
    assert (issue["code"], issue.get("expression")) == (code, [expression] if expression else None)
    assert issue["diagnostics"] == answer.headers["x-request-id"]
    assert issue["details"]["text"]
    assert NUMBER not in answer.text
    assert all(NUMBER not in value for value in answer.headers.values())


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "Patient/1", "GET, HEAD, OPTIONS"),
        ("PATCH", "Patient/1", "GET, HEAD, OPTIONS"),
        ("DELETE", "Patient/1/_history/1", "GET, HEAD, OPTIONS"),
        ("POST", "Patient", "GET, HEAD, OPTIONS"),
        ("GET", "Patient/_search", None),
        ("POST", "metadata", "GET, HEAD, OPTIONS"),
        ("DELETE", "", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_nothing_can_be_written(maria: SmartApp, method: str, path: str, allow: str | None) -> None:
    answer = maria.http.request(method, f"{maria.base}/fhir/{path}", headers=maria.bearer)
    if allow is None:  # `_search` is asked by POST; by GET it is an id that no resource has
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["issue"][0]["code"] in ("not-supported", "not-found")


def test_a_body_that_is_too_large_is_an_outcome(maria: SmartApp) -> None:
    headers = maria.bearer | {"Content-Type": "application/fhir+json"}
    answer = maria.http.post(f"{maria.base}/fhir", content=b" " * (2 << 20), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["resourceType"] == "OperationOutcome"


HOST = b"Host: localhost\r\n"
BROKEN = [
    (b"GET /fhir/Patient?name=" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    (b"GET /fhir/Patient HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 9000 + b"\r\n\r\n", 431),
    (b"GET /fhir/Patient HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", 400),
    (b"GET /fhir/Patient HTTP/1.1\r\n" + HOST + b"Bad Name: 1\r\n\r\n", 400),
    (b"NONSENSE\r\n\r\n", 400),
    (b"G=T /fhir HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /fhir HTTP/9.9\r\n" + HOST + b"\r\n", 400),
    (b"POST /fhir HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: made-up\r\n\r\n", 400),
    (b"GET /fhir/metadata HTTP/1.1\r\nHost: a..b\r\nConnection: close\r\n\r\n", 400),
]


def test_what_http_itself_refuses_is_an_outcome_too(env: dict[str, str]) -> None:
    with served(env=env) as origin:
        for request, status in BROKEN:
            head, _, body = exchange_bytes(origin, request).partition(b"\r\n\r\n")
            line, _, fields = head.partition(b"\r\n")
            headers = BytesParser().parsebytes(fields)
            assert int(line.split()[1]) == status, request
            assert headers["content-type"] == "application/fhir+json; charset=utf-8", request
            outcome = json.loads(body)
            assert outcome["resourceType"] == "OperationOutcome"
            assert int(headers["content-length"]) == len(body)
            if b"a..b" not in request:
                assert outcome["issue"][0]["diagnostics"] == headers["x-request-id"]
            assert b"xxx" not in body
            assert b"made-up" not in body
