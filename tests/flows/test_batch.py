"""Batch at the base: each entry is answered as if it had come alone, and nothing gets further in one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

from sandbox.core.limits import ENTRIES_MAX

Json = dict[str, Any]


def get(url: str, **more: str) -> Json:
    return {"request": {"method": "GET", "url": url, **more}}


def send(app: SmartApp, bundle: object, **headers: str) -> httpx.Response:
    typed = {"Content-Type": "application/fhir+json"}
    return app.http.post(f"{app.base}/fhir", json=bundle, headers=app.bearer | typed | headers)


def batch(app: SmartApp, *entries: object) -> list[Json]:
    answer = send(app, {"resourceType": "Bundle", "type": "batch", "entry": list(entries)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "batch-response"
    found = answer.json().get("entry", [])
    assert len(found) == len(entries)
    return list(found)


def outcome(entry: Json) -> tuple[str, str]:
    assert "resource" not in entry
    return entry["response"]["status"], entry["response"]["outcome"]["issue"][0]["code"]


def test_each_entry_is_what_it_would_be_alone(maria: SmartApp) -> None:
    paths = [
        f"Patient/{maria.patient}",
        f"Patient/{maria.patient}/_history/1",
        f"Patient/{maria.patient}/_history",
        f"ExplanationOfBenefit?patient={maria.patient}&_count=2&_total=none&_elements=total",
        f"Patient/{maria.patient}/$everything?_count=0",
        f"{maria.base}/fhir/Coverage?_count=0",
        "/Coverage?_count=0",
        "Observation?category=laboratory,vital-signs&_count=0&_format=json",
    ]
    for path, entry in zip(paths, batch(maria, *map(get, paths)), strict=True):
        alone = maria.get(path.removeprefix("/"))
        assert entry["response"]["status"] == "200"
        told, expected = entry["resource"], alone.json()
        for bundle in (told, expected):
            bundle.pop("link", None)  # page tokens carry the moment
        assert told == expected
        assert entry["response"].get("etag") == alone.headers.get("etag")


def test_links_in_a_batch_lead_on(maria: SmartApp) -> None:
    (entry,) = batch(maria, get("ExplanationOfBenefit?_count=2"))
    (following,) = [li["url"] for li in entry["resource"]["link"] if li["relation"] == "next"]
    assert maria.get(following).json()["entry"]


def test_a_failure_stays_in_its_entry(maria: SmartApp) -> None:
    found = batch(
        maria,
        get("Patient/nobody"),
        get("Coverage?_count=many"),
        get("Starship"),
        get("Coverage?patient=mbr-0002"),
        {"request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}},
        {"request": {"method": "DELETE", "url": f"Patient/{maria.patient}"}},
        {"request": {"method": "PUT", "url": ""}},
        {"request": {"method": "GET"}},
        {"resource": {}},
        7,
        get(f"Patient/{maria.patient}"),
    )
    assert [outcome(entry) for entry in found[:-1]] == [
        ("404", "not-found"),
        ("400", "invalid"),
        ("404", "not-supported"),
        ("403", "forbidden"),
        ("405", "not-supported"),
        ("405", "not-supported"),
        ("405", "not-supported"),
        ("400", "invalid"),
        ("400", "invalid"),
        ("400", "invalid"),
    ]
    assert found[-1]["resource"]["id"] == maria.patient
    assert found[1]["response"]["outcome"]["issue"][0]["expression"] == ["_count"]


@pytest.mark.parametrize(
    "url",
    [
        "../_sandbox/journal",
        "//evil.example/fhir/Patient",
        "http://evil.example/fhir/Patient",
        "%2e%2e/_sandbox/clock",
        "../../auth/jwks",
        ".well-known/payer-facts",
        ".well-known/smart-configuration",
        "",
        "?patient=x",
        "x\r\nHost: evil",
        "Patient\x00",
        "Pati\u00e9nt?name=\u00e9\ud7ff",
        "[::1",
    ],
)
def test_an_entry_does_not_leave_the_fhir_api(maria: SmartApp, url: str) -> None:
    (entry,) = batch(maria, get(url))
    assert entry["response"]["status"] in ("400", "404")
    assert entry["response"]["outcome"]["resourceType"] == "OperationOutcome"


def test_entries_have_the_token_of_the_batch_and_no_more(maria: SmartApp, make_app: MakeApp) -> None:
    walter = make_app().connect("walter")
    secret = maria.tokens["access_token"]
    stolen = batch(
        walter,
        get(f"Patient/{maria.patient}"),
        get(f"Patient/{maria.patient}?access_token={secret}"),
        get(f"Patient/{maria.patient}/_history/1"),
        {
            "request": {
                "method": "GET",
                "url": f"Patient/{maria.patient}",
                "authorization": f"Bearer {secret}",
            }
        },
        get(f"Patient/{maria.patient}", ifNoneMatch="*"),
    )
    assert [entry["response"]["status"] for entry in stolen] == ["404", "400", "404", "404", "404"]
    narrow = make_app(scope="launch/patient patient/Patient.r").connect("maria")
    mine, refused = batch(narrow, get(f"Patient/{narrow.patient}"), get("Coverage"))
    assert mine["response"]["status"] == "200"
    assert outcome(refused) == ("403", "forbidden")


def test_without_a_token_the_whole_batch_is_refused(app: SmartApp) -> None:
    answer = send(app, {"resourceType": "Bundle", "type": "batch", "entry": [get("metadata")]})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_conditions_and_heads_in_a_batch(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}"
    etag = maria.get(path).headers["etag"]
    head = {"request": {"method": "HEAD", "url": path}}
    found = batch(
        maria,
        get(path, ifNoneMatch=etag),
        get(path, ifModifiedSince="2999-01-01T00:00:00Z"),
        head,
        get(path, ifModifiedSince="x"),
    )
    assert [entry["response"]["status"] for entry in found] == ["304", "304", "200", "400"]
    assert all("resource" not in entry for entry in found)


@pytest.mark.parametrize(
    ("bundle", "status", "code", "expression"),
    [
        ({"resourceType": "Bundle", "type": "transaction", "entry": []}, 400, "not-supported", "Bundle.type"),
        ({"resourceType": "Bundle", "type": "collection"}, 400, "invalid", "Bundle.type"),
        ({"resourceType": "Bundle"}, 400, "invalid", "Bundle.type"),
        ({"resourceType": "Patient"}, 400, "invalid", "Bundle"),
        ([], 400, "invalid", "Bundle"),
        ("Bundle", 400, "invalid", "Bundle"),
        ({"resourceType": "Bundle", "type": "batch", "entry": 7}, 400, "invalid", "Bundle.entry"),
        (
            {"resourceType": "Bundle", "type": "batch", "entry": [get("metadata")] * (ENTRIES_MAX + 1)},
            400,
            "too-costly",
            "Bundle.entry",
        ),
    ],
)
def test_what_is_no_batch_is_refused(
    maria: SmartApp, bundle: object, status: int, code: str, expression: str
) -> None:
    answer = send(maria, bundle)
    issue = answer.json()["issue"][0]
    assert (answer.status_code, issue["code"], issue["expression"]) == (status, code, [expression])
    assert issue["diagnostics"] == answer.headers["x-request-id"]


def test_a_body_of_another_format_is_415_and_an_empty_batch_is_answered(maria: SmartApp) -> None:
    assert send(maria, {}, **{"Content-Type": "application/fhir+xml"}).status_code == 415
    assert send(maria, {}, **{"Content-Type": "text/plain"}).status_code == 415
    assert batch(maria) == []
    url, bearer = f"{maria.base}/fhir", maria.bearer
    for method in ("PUT", "DELETE", "PATCH"):
        assert maria.http.request(method, url, headers=bearer).status_code == 405


def test_the_journal_tells_of_every_entry(maria: SmartApp) -> None:
    batch(maria, get(f"Patient/{maria.patient}"), get("Coverage?_count=0"))
    rows = maria.control("journal").json()
    told = [(row["method"], row["path"]) for row in rows["entries"]]
    assert {("GET", f"/fhir/Patient/{maria.patient}"), ("GET", "/fhir/Coverage"), ("POST", "/fhir")} <= set(
        told
    )
    assert len({row["request"] for row in rows["entries"]}) == len(told)


def test_a_limit_on_requests_counts_entries(make_app: MakeApp) -> None:
    app = make_app("rate-limited").connect("maria")
    found = batch(app, *[get(f"Patient/{app.patient}")] * 20)
    assert {entry["response"]["status"] for entry in found} == {"200", "429"}
