"""Other people's files as they come: packed, wrapped, twice, in versions, with references of all kinds."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.population import build_library
from sandbox.population.import_fhir import Report, load
from sandbox.population.import_fhir.report import parse_report
from sandbox.settings import Settings

Resource = dict[str, Any]
PATIENT: Resource = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-02-03"}
ORGANIZATION: Resource = {"resourceType": "Organization", "id": "o1", "name": "One"}
MINE = {"reference": "Patient/p1"}


def observation(id: str, **content: Any) -> Resource:
    return {"resourceType": "Observation", "id": id, "status": "final", "subject": MINE, **content}


def read(path: Path, **options: Any) -> tuple[dict[str, Resource], Report, list[bytes]]:
    contents, report = load(path, **options)
    found, lines = {}, []
    for _, resources in contents:
        for each in resources:
            assert not isinstance(each, tuple)
            lines.append(each if isinstance(each, bytes) else json_bytes(each))
            value = json_value(lines[-1])
            found[f"{value['resourceType']}/{value['id']}"] = value
    return found, report, lines


def write(folder: Path, **files: list[Resource] | Resource | bytes) -> Path:
    """Files by name (`a_ndjson`); a list becomes lines."""
    for name, content in files.items():
        if isinstance(content, list):
            content = b"\n".join(map(json_bytes, content))
        elif isinstance(content, dict):
            content = json_bytes(content)
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


# --- packaging ---------------------------------------------------------------------------------------

LINE = json_bytes(PATIENT) + b"\n"
Pack = Callable[[bytes], bytes]


def crlf(body: bytes) -> bytes:
    return body.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", ["a.ndjson", "a.NDJSON", "a.jsonl", "a.json", "deep/er/a.ndjson"])
@pytest.mark.parametrize(
    ("pack", "end"),
    [
        (bytes, ""),
        (crlf, ""),
        (lambda body: b"\xef\xbb\xbf" + body, ""),
        (gzip.compress, ".gz"),
        (gzip.compress, ""),
        (lambda body: gzip.compress(body[:100]) + gzip.compress(body[100:]), ".GZ"),
        (lambda body: zstandard.compress(body[:100]) + zstandard.compress(body[100:]), ".zst"),
    ],
)
def test_files_are_read_however_they_are_packed(tmp_path: Path, name: str, pack: Pack, end: str) -> None:
    path = tmp_path / f"{name}{end}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(LINE + json_bytes(ORGANIZATION)))
    for place in (tmp_path, path):
        found, report, _ = read(place)
        assert found == {"Patient/p1": PATIENT, "Organization/o1": ORGANIZATION}
        assert report.unread.count == 0


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    line = json.dumps({**PATIENT, "name": [{"text": "a\u2028b\u0085c"}]}, ensure_ascii=False).encode()
    found, _, lines = read(write(tmp_path, a_ndjson=line + b"\n"))
    assert found["Patient/p1"]["name"][0]["text"] == "a\u2028b\u0085c"
    assert json_value(lines[0]) == json_value(line)


@pytest.mark.parametrize(
    "body",
    [gzip.compress(LINE)[:-4], gzip.compress(LINE)[:15], zstandard.compress(LINE * 50)[:-3] + b"xyz", b""],
    ids=["without its end", "without its middle", "with another end", "empty"],
)
def test_a_packed_file_that_is_damaged_is_one_line(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(FileProblem, match=r"a\.json"):
        load(write(tmp_path, a_json=body, b_json=PATIENT))
    assert read(tmp_path, skip_bad=True)[1].bad.count == 1


def test_stray_files_are_passed_over_and_named(tmp_path: Path) -> None:
    write(tmp_path, patient_json=PATIENT, package_json={"name": "hl7"}, log_ndjson=b'{"level":"info"}\n')
    write(tmp_path, readme_txt=b"words")
    (tmp_path / ".index.json").write_bytes(b"{}")
    found, report, _ = read(tmp_path)
    assert list(found) == ["Patient/p1"]
    named = " ".join(report.unread.first)
    assert all(name in named for name in (".index.json", "package.json", "log.ndjson", "readme.txt"))


def test_what_is_no_plain_file_is_passed_over_and_named(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data, elsewhere, data / ".hidden"):
        folder.mkdir()
        write(folder, a_ndjson=[PATIENT])
    os.mkfifo(data / "pipe.ndjson")
    (data / "loop").symlink_to(data)
    (data / "linked").symlink_to(elsewhere)
    (data / "broken.ndjson").symlink_to(data / "nothing")
    (data / "circle.ndjson").symlink_to(data / "circle.ndjson")
    (data / "file.ndjson").symlink_to(elsewhere / "a.ndjson")
    _, report, _ = read(data)
    assert report.same == {"Patient": 1}
    passed = {Path(name).relative_to(data).as_posix() for name in report.unread.first}
    others = {"pipe.ndjson", "loop", "linked", "broken.ndjson", "circle.ndjson"}
    assert passed == {".hidden/a.ndjson", *others}
    with pytest.raises(FileProblem, match="neither a file nor a folder"):
        load(data / "pipe.ndjson")


def test_names_of_files_need_not_be_text(tmp_path: Path) -> None:
    write(tmp_path, a_ndjson=[PATIENT])
    for name in (b"/b\xff.ndjson", b"/c\n\xff.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path) + name)).write_bytes(LINE)
    _, report, _ = read(tmp_path)
    assert report.same == {"Patient": 1}
    assert report.unread.first == [str(tmp_path / r"c\n\udcff.txt")]
    assert parse_report(json_bytes(report)) == report
    build_library.place(Settings(data=str(tmp_path)), date(2026, 12, 1))


def test_a_folder_that_cannot_be_opened_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan, locked = os.scandir, tmp_path / "locked"
    locked.mkdir()
    write(tmp_path, a_ndjson=[PATIENT])

    def guarded(path: str) -> Any:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(FileProblem, match="locked: Permission denied"):
        load(tmp_path)


def test_a_file_is_read_when_something_else_comes_first(tmp_path: Path) -> None:
    write(tmp_path, a_ndjson=[{"note": "mine"}, PATIENT])
    with pytest.raises(FileProblem, match=r"a\.ndjson, line 1: not a FHIR resource"):
        load(tmp_path)
    found, report, _ = read(tmp_path, skip_bad=True)
    assert list(found) == ["Patient/p1"]
    assert report.bad.count == 1


def test_a_folder_without_data_says_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"no \.ndjson or \.json file in it \(export\.zip passed over\)"):
        load(write(tmp_path, export_zip=b"PK"))


def test_files_that_were_put_together_keep_their_marks(tmp_path: Path) -> None:
    marked = b"\xef\xbb\xbf" + LINE
    found, _, _ = read(write(tmp_path, a_ndjson=marked + b"\xef\xbb\xbf" + json_bytes(ORGANIZATION)))
    assert list(found) == ["Patient/p1", "Organization/o1"]


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            b'{"resourceType":"Patient","id":"p1","gender":"male","gender":"male"}',
            "has the key 'gender' twice",
        ),
        (
            b'{"resourceType":"Patient","id":"p1","name":[{"text":"a","text" :"b"}]}',
            "has the key 'text' twice",
        ),
        (
            b'{"resourceType":"Patient","id":"p1","extension":['
            + b'{"extension":[' * 450
            + b"]}" * 450
            + b"]}",
            "is nested too deeply",
        ),
    ],
    ids=["twice", "twice, spaced", "deep"],
)
def test_json_that_programs_read_differently_is_refused(
    tmp_path: Path, name: str, given: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(given)
    with pytest.raises(FileProblem, match=f"{re.escape(name)}.*: {re.escape(said)}"):
        load(tmp_path)


def test_a_text_that_looks_like_a_key_is_none(tmp_path: Path) -> None:
    tricky = {**PATIENT, "name": [{"text": 'a":"b":"c":', "family": "\\"}, {"text": '\\":'}]}
    found, _, _ = read(write(tmp_path, a_ndjson=[tricky]))
    assert found["Patient/p1"] == tricky


@pytest.mark.parametrize("digits", ["200.00", "0.12345678901234567890", "1E3", "-0.0", "1" * 30])
def test_decimals_keep_their_digits(tmp_path: Path, digits: str) -> None:
    observed = json_bytes(observation("x", valueQuantity={"value": "@"})).decode().replace('"@"', digits)
    whole = f'{{"resourceType":"Bundle","entry":[{{"resource":{observed}}},{{"resource":{LINE.decode()}}}]}}'
    for files in ({"a_ndjson": LINE + observed.encode()}, {"a_json": whole.encode()}):
        for old in tmp_path.iterdir():
            old.unlink()
        _, _, lines = read(write(tmp_path, **files))  # type: ignore[arg-type]
        (kept,) = [line for line in lines if b"Observation" in line]
        assert digits.lower().replace("+", "") in kept.decode().lower().replace("+", "")


# --- identity ----------------------------------------------------------------------------------------


def test_other_content_of_the_same_version_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, a_ndjson=[PATIENT, ORGANIZATION], b_ndjson=[{**ORGANIZATION, "name": "Two"}])
    found, report, _ = read(tmp_path)
    assert found["Organization/o1"]["name"] == "One"
    (told,) = report.differing.first
    assert re.search(r"Organization/o1 in .*b\.ndjson, line 1 is not that in .*a\.ndjson, line 2", told)
    assert told in str(report)
    assert report.read == 3


@pytest.mark.parametrize("turn", [1, -1])
def test_of_versions_without_times_the_newest_is_in_force(tmp_path: Path, turn: int) -> None:
    versions = [observation("x", meta={"versionId": id}, note=[{"text": id}]) for id in ("1", "2", "10")]
    found, report, lines = read(write(tmp_path, a_ndjson=[PATIENT, *versions[::turn]]))
    assert found["Observation/x"]["meta"]["versionId"] == "10"
    assert len(lines) == 2
    assert report.superseded == {"Observation": 2}


# --- transactions ------------------------------------------------------------------------------------

NAMELESS = {"resourceType": "Patient", "birthDate": "1980-02-03"}
NUMBER = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("entry", "id"),
    [
        ({"fullUrl": f"urn:uuid:{NUMBER}", "request": {"method": "POST", "url": "Patient"}}, NUMBER),
        ({"fullUrl": "urn:oid:1.2.3", "request": {"method": "POST", "url": "Patient"}}, "1.2.3"),
        ({"fullUrl": "http://x.example/fhir/Patient/77"}, "77"),
        ({"fullUrl": "urn:uuid:1", "request": {"method": "PUT", "url": "Patient/mine"}}, "mine"),
        ({"fullUrl": "urn:uuid:1", "request": {"method": "PUT", "url": "Patient?identifier=a|b"}}, None),
        ({"fullUrl": "urn:uuid:1", "request": {"method": "POST", "ifNoneExist": "identifier=a|b"}}, None),
        ({"fullUrl": "something else"}, None),
    ],
)
def test_a_resource_without_id_is_given_one_and_references_follow(
    tmp_path: Path, entry: dict[str, Any], id: str | None
) -> None:
    observed = observation("x", subject={"reference": entry["fullUrl"]})
    write(tmp_path, a_json=bundle({"resource": observed}, {**entry, "resource": NAMELESS}))
    found, report, _ = read(tmp_path)
    (patient,) = [name for name in found if name.startswith("Patient/")]
    assert id is None or patient == f"Patient/{id}"
    assert found["Observation/x"]["subject"] == {"reference": patient}
    assert list(read(tmp_path)[0]) == list(found), "the same files, the same ids"
    assert report.dangling.count == 0


def test_a_conditional_create_takes_what_is_there(tmp_path: Path) -> None:
    there = {**ORGANIZATION, "identifier": [{"system": "http://x.example/org", "value": "77"}]}
    entries = [
        {
            "fullUrl": "urn:uuid:9",
            "resource": {"resourceType": "Organization", "name": "Another"},
            "request": {"method": "POST", "ifNoneExist": "identifier=http%3A%2F%2Fx.example%2Forg%7C77"},
        },
        {"resource": observation("x", performer=[{"reference": "urn:uuid:9"}])},
    ]
    write(tmp_path, a_json=bundle(*entries), b_ndjson=[PATIENT, there])
    found, report, _ = read(tmp_path)
    assert found["Observation/x"]["performer"] == [{"reference": "Organization/o1"}]
    assert [name for name in found if name.startswith("Organization/")] == ["Organization/o1"]
    assert report.existing == {"Organization": 1}
    assert report.read == 4


def test_a_conditional_create_with_the_id_of_another_resource_is_a_version_of_it(tmp_path: Path) -> None:
    identifier = [{"system": "http://x.example/org", "value": "77"}]
    first = {**ORGANIZATION, "id": "o2", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}}
    created = {**ORGANIZATION, "id": "o2", "name": "Later", "meta": {"lastUpdated": "2025-01-01T00:00:00Z"}}
    request = {"method": "POST", "ifNoneExist": "identifier=http://x.example/org|77"}
    write(tmp_path, a_json=bundle({"resource": created, "request": request}))
    write(tmp_path, b_ndjson=[PATIENT, first, {**ORGANIZATION, "identifier": identifier}])
    found, _, lines = read(tmp_path)
    assert set(found) == {"Patient/p1", "Organization/o1", "Organization/o2"}
    assert len(lines) == 4


# --- references --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("Organization?identifier=http://x.example/org|77", "Organization/o1"),
        ("Organization?identifier=http%3A%2F%2Fx.example%2Forg%7C77", "Organization/o1"),
        ("Organization?identifier=http://x.example/org|78", None),
        ("https://other.example/fhir/Organization/o1", "Organization/o1"),
        ("https://other.example/fhir/Organization/o1/_history/3", "Organization/o1/_history/3"),
        ("https://other.example/fhir/Organization/o2", None),
        ("Organization/o2", None),
        ("urn:uuid:1b2c7a52-0000-4000-8000-000000000000", None),
        ("#o1", None),
    ],
)
def test_references_to_what_is_loaded_are_local(tmp_path: Path, reference: str, kept: str | None) -> None:
    there = {**ORGANIZATION, "identifier": [{"system": "http://x.example/org", "value": "77"}]}
    observed = observation("x", performer=[{"reference": reference}])
    found, report, _ = read(write(tmp_path, a_ndjson=[observed, PATIENT, there]))
    assert found["Observation/x"]["performer"] == [{"reference": kept or reference}]
    lost = 0 if kept or reference.startswith("#") else 1
    assert report.dangling.count + report.elsewhere.count == lost
    assert report.elsewhere.count == (1 if lost and reference.startswith("https:") else 0)


def test_a_patient_named_by_an_identifier_owns_the_resource(tmp_path: Path) -> None:
    patient = {**PATIENT, "identifier": [{"value": "m-1"}]}
    observed = observation("x", subject={"reference": "Patient?identifier=m-1"})
    found, _, _ = read(write(tmp_path, a_ndjson=[observed, patient]))
    assert found["Observation/x"]["subject"] == MINE


@pytest.mark.parametrize(
    ("resource", "sign"),
    [
        ({"resourceType": "MedicationOrder", "id": "m"}, "DSTU2 by MedicationOrder"),
        (observation("x", comment="words"), "STU3 by Observation.comment"),
        ({"resourceType": "Condition", "id": "c", "subject": MINE, "clinicalStatus": "active"}, "as a code"),
        ({"resourceType": "MedicationStatement", "id": "s", "subject": MINE, "taken": "y"}, "STU3 by "),
        ({"resourceType": "MedicationRequest", "id": "r", "subject": MINE, "medication": {}}, "R5 by "),
        ({"resourceType": "Procedure", "id": "o", "subject": MINE, "occurrenceDateTime": "2024"}, "R5 by "),
    ],
)
def test_another_version_of_fhir_is_recognized_and_said_once(
    tmp_path: Path, resource: Resource, sign: str
) -> None:
    several = [resource | {"id": f"n{number}"} for number in range(40)]
    found, report, _ = read(write(tmp_path, a_ndjson=[PATIENT, *several]))
    assert list(found) == ["Patient/p1"]
    assert report.read == 41
    (line,) = [line for line in report.lines() if "R4" in line]
    assert sign in line
    assert "40 resources" in line


# --- the report --------------------------------------------------------------------------------------


def test_the_report_says_what_nobody_would_see(tmp_path: Path) -> None:
    late = observation("late", meta={"lastUpdated": "2030-01-01T00:00:00Z"})
    orphan = observation("orphan", subject={"reference": "Patient/gone"})
    device = {"resourceType": "Device", "id": "d"}
    _, report, _ = read(write(tmp_path, a_ndjson=[PATIENT, late, orphan, device]), today=date(2026, 12, 1))
    assert report.future.first == ["Observation/late"]
    assert report.unreachable.first == ["gone"]
    assert report.logins.first == ["p1"]
    assert "--today" in str(report)
    assert parse_report(json_bytes(report)) == report


PERSONAL = {
    "a reference": {"extension": [{"url": "urn:x", "valueReference": MINE}]},
    "a query": {"extension": [{"url": "urn:x", "valueReference": {"reference": "Patient?identifier=1"}}]},
    "a person inside": {"contained": [{"resourceType": "Patient", "id": "x"}]},
}


@pytest.mark.parametrize("told", PERSONAL.values(), ids=list(PERSONAL))
@pytest.mark.parametrize("kind", ["Organization", "Practitioner", "Location", "Medication", "ValueSet"])
def test_nothing_that_every_member_sees_names_a_person(tmp_path: Path, kind: str, told: Resource) -> None:
    found, report, _ = read(
        write(tmp_path, a_ndjson=[PATIENT, {"resourceType": kind, "id": "x", **told}, ORGANIZATION])
    )
    assert list(found) == ["Patient/p1", "Organization/o1"]
    (line,) = report.personal.first
    assert re.search(rf"{kind}/x in .*a\.ndjson, line 2 ", line)
    assert report.read == 3


def test_a_resource_that_names_no_patient_is_counted_as_nobodys(tmp_path: Path) -> None:
    logical = observation("x", subject={"identifier": {"value": "1"}})
    _, report, _ = read(write(tmp_path, a_ndjson=[PATIENT, observation("y"), logical]))
    assert report.nobodys == {"Observation": 1}


def test_a_file_that_changes_while_it_is_read_is_one_line(tmp_path: Path) -> None:
    write(tmp_path, a_ndjson=[PATIENT], b_ndjson=[ORGANIZATION])
    contents, _ = load(tmp_path)
    with (tmp_path / "a.ndjson").open("ab") as file:
        file.write(json_bytes(observation("x")))
    with pytest.raises(FileProblem, match=r"a\.ndjson: changed while it was read"):
        list(contents)


def test_progress_is_told_of_both_readings(tmp_path: Path) -> None:
    told: list[tuple[int, ...]] = []
    read(
        write(tmp_path, a_ndjson=[PATIENT, *(observation(f"x{n}") for n in range(1200))]),
        progress=lambda *counts: told.append(counts),
    )
    assert told == sorted(told)
    assert told[0] == (0,)
    assert told[-1][0] > 1200
    assert told[-1][1] == 2 * 1201
