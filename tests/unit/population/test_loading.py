"""`serve --data`: other people's NDJSON and Bundles, with logins made where none came along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.population.import_fhir import load

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Reyes", "given": ["Ana", "Luz"]}],
    "birthDate": "1980-02-03",
}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "c1",
    "beneficiary": {"reference": "urn:uuid:1"},
    "period": {"start": "2020-01-01", "end": "2024-12-31"},
}


def bundle(*entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def read(folder: Path, **options: Any) -> tuple[list[Any], list[dict[str, Any]], str]:
    contents, report = load(folder, **options)
    accounts, resources = [], []
    for account, found in contents:
        accounts += [account] if account else []
        resources += [json_value(each) if isinstance(each, bytes) else each for each in found]
    return accounts, resources, str(report)


def test_a_bundle_is_taken_apart_and_its_references_made_literal(tmp_path: Path) -> None:
    stray = {"resourceType": "Parameters", "id": "x"}
    file = tmp_path / "deep" / "one.json"
    file.parent.mkdir()
    file.write_bytes(
        json_bytes(bundle(("urn:uuid:1", PATIENT), ("urn:uuid:2", COVERAGE), ("urn:uuid:3", stray)))
    )
    accounts, resources, report = read(tmp_path)
    assert [r["id"] for r in resources] == ["p1", "c1"]
    assert resources[1]["beneficiary"] == {"reference": "Patient/p1"}
    assert "left out 1 resource (1 Parameters)" in report
    assert [(a.username, a.name, a.line) for a in accounts] == [("p1", "Ana Reyes", "commercial")]
    assert accounts[0].coverage_end.isoformat() == "2024-12-31"


def test_a_patient_without_coverage_counts_as_covered(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_bytes(json_bytes(PATIENT))
    accounts, _, _ = read(tmp_path)
    assert accounts[0].coverage_end is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{broken", "not JSON"),
        (b"[1]", "[0]: not a FHIR resource"),
        (b'{"resourceType":"Coverage"}', "without a valid id"),
        (b'{"resourceType":"Coverage","id":"a/b"}', "without a valid id"),
        (b'{"resourceType":"Bundle","entry":[null]}', "entry[0]: is not an object"),
        (b'{"resourceType":"Bundle","entry":[{"resource":5}]}', "entry[0].resource: not a FHIR"),
        (json_bytes(PATIENT | {"id": "p2", "meta": {"lastUpdated": "yesterday"}}), "not a FHIR date"),
        (json_bytes(PATIENT | {"id": "p2", "meta": 5}), "meta is not an object"),
    ],
)
def test_a_bad_line_is_named_and_refuses_the_load_or_is_left_out(
    tmp_path: Path, line: bytes, says: str
) -> None:
    (tmp_path / "all.ndjson").write_bytes(json_bytes(PATIENT) + b"\n\n" + line + b"\n")
    with pytest.raises(FileProblem, match=r"all\.ndjson, line 3.*skip-bad") as refused:
        read(tmp_path)
    assert says in str(refused.value)
    _, resources, report = read(tmp_path, skip_bad=True)
    assert len(resources) == 1
    assert "skipped 1 value" in report


@pytest.mark.parametrize("make", [lambda p: p / "absent", lambda p: p])
def test_a_folder_without_data_is_refused(tmp_path: Path, make: Any) -> None:
    with pytest.raises(FileProblem):
        load(make(tmp_path))


@pytest.mark.parametrize(
    "response", [{}, {"lastModified": "yesterday"}, {"lastModified": None}, None], ids=str
)
def test_a_deletion_without_a_time_is_a_bad_line(tmp_path: Path, response: Any) -> None:
    entry = {"request": {"method": "DELETE", "url": "Patient/p1"}, "response": response}
    history = {"resourceType": "Bundle", "type": "history", "entry": [entry]}
    (tmp_path / "history.json").write_bytes(json_bytes(history))
    (tmp_path / "patient.json").write_bytes(json_bytes(PATIENT))
    with pytest.raises(FileProblem, match=r"history.json, entry.0.: a deletion needs .*lastModified"):
        read(tmp_path)
    assert "skipped 1 value" in read(tmp_path, skip_bad=True)[2]


def test_a_deletion_is_loaded(tmp_path: Path) -> None:
    response = {"lastModified": "2026-02-01T00:00:00Z"}
    entry = {"request": {"method": "DELETE", "url": "Patient/p1"}, "response": response}
    history = {"resourceType": "Bundle", "type": "history", "entry": [entry]}
    (tmp_path / "history.json").write_bytes(json_bytes(history))
    assert read(tmp_path)[1] == [("Patient", "p1", 1769904000000)]
