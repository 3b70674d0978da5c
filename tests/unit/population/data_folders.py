"""Small folders of other people's data, one a kind: what each shows, its files, and what the report says."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import zstandard

Json = dict[str, Any]


@dataclass(frozen=True)
class Folder:
    """`report` are the counts of the report that are not zero (of a list: how many), `problem` what the one
    line says where the load is refused; `kept` are words that are served, where that is the point."""

    shows: str
    files: dict[str, Any]
    report: Json = field(default_factory=dict)
    problem: str = ""
    kept: tuple[str, ...] = ()


def body(content: Any) -> bytes:
    """A file: bytes as they are, a list as lines, anything else as JSON."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, list):
        return b"".join(json.dumps(each).encode() + b"\n" for each in content)
    return json.dumps(content, indent=1).encode()


def of(kind: str, id: str | None, **content: Any) -> Json:
    return {"resourceType": kind, **({"id": id} if id else {}), **content}


def to(reference: str) -> Json:
    return {"reference": reference}


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def named(id: str) -> list[Json]:
    return [{"system": "http://x.example/org", "value": id}]


PATIENT = of("Patient", "p1", birthDate="1980-02-03", name=[{"family": "Reyes"}])
OTHER = of("Patient", "p2", birthDate="1990-02-03")
ORG = of("Organization", "o1", name="One", identifier=named("77"))
MINE = to("Patient/p1")
SEEN = of("Observation", "x1", status="final", subject=MINE)
BOM = b"\xef\xbb\xbf"
UUID = "11111111-2222-4333-8444-555555555555"
URN = f"urn:uuid:{UUID}"


def at(resource: Json, time: str = "", version: str = "", **more: Any) -> Json:
    meta = {"lastUpdated": time} if time else {}
    return {**resource, "meta": {**meta, **({"versionId": version} if version else {})}, **more}


def kinds(**counts: int) -> Json:
    return {"loaded": counts, "logins": 1}


FOLDERS = {
    # the same resource twice
    "same-in-two-files": Folder(
        "D1: one Organization in two files, with its keys in another order, counts once",
        {"a.ndjson": [PATIENT, ORG], "b.ndjson": [dict(reversed(ORG.items()))]},
        {**kinds(Patient=1, Organization=1), "same": {"Organization": 1}},
    ),
    "same-in-a-bundle": Folder(
        "D1: a resource of a line comes again in a Bundle",
        {"a.ndjson": [PATIENT, ORG], "b.json": bundle("searchset", {"resource": ORG})},
        {**kinds(Patient=1, Organization=1), "same": {"Organization": 1}},
    ),
    "two-contents-of-one-version": Folder(
        "D1: other content of the same version: the first is kept, both places are named",
        {"a.ndjson": [PATIENT, ORG], "b.ndjson": [{**ORG, "name": "Two"}]},
        {**kinds(Patient=1, Organization=1), "differing": 1},
    ),
    "two-contents-by-time": Folder(
        "D1: other content of a later time is another version",
        {"a.ndjson": [PATIENT, at(ORG, "2024-01-01"), at(ORG, "2025-01-01", name="Two")]},
        kinds(Patient=1, Organization=2),
    ),
    # Bundles without ids
    "transaction-by-post": Folder(
        "D2: resources without ids are named by their fullUrl, and references follow",
        {"a.json": bundle(
            "transaction",
            {"fullUrl": URN, "resource": of("Patient", None),
             "request": {"method": "POST", "url": "Patient"}},
            {"resource": of("Observation", "x1", status="final", subject=to(URN))},
        )},
        kinds(Patient=1, Observation=1), kept=(f'"id":"{UUID}"',),
    ),
    "transaction-by-put": Folder(
        "D2: the URL of a PUT gives the id",
        {"a.json": bundle(
            "transaction",
            {"resource": of("Patient", None), "request": {"method": "PUT", "url": "Patient/me"}},
        )},
        kinds(Patient=1), kept=('"id":"me"',),
    ),
    "conditional-create": Folder(
        "D2: a conditional create by identifier takes what is there",
        {"a.ndjson": [PATIENT, ORG], "b.json": bundle("transaction", {
            "resource": of("Organization", None, name="Again", identifier=named("77")),
            "request": {"method": "POST", "ifNoneExist": "identifier=http://x.example/org|77"},
        })},
        {**kinds(Patient=1, Organization=1), "existing": {"Organization": 1}}, kept=('"id":"o1"',),
    ),
    "history-with-a-deletion": Folder(
        "D2: a history Bundle tells of two versions and of the end",
        {"a.ndjson": [PATIENT], "b.json": bundle(
            "history",
            {"resource": at(ORG, "2024-01-01", "1"), "request": {"method": "POST", "url": "Organization"}},
            {"resource": at(ORG, "2024-02-01", "2", name="Two"), "request": {"method": "PUT", "url": "x"}},
            {"request": {"method": "DELETE", "url": "Organization/o1"},
             "response": {"lastModified": "2024-03-01T00:00:00Z"}},
        )},
        kinds(Patient=1, Organization=2, deletions=1),
    ),
    # versions
    "versions-without-times": Folder(
        "D3: versions 1, 10 and 2 without times: the newest is in force",
        {"a.ndjson": [PATIENT, *(at(SEEN, "", number) for number in ("1", "10", "2"))]},
        {**kinds(Patient=1, Observation=1), "superseded": {"Observation": 2}},
    ),
    "versions-with-times": Folder(
        "D3: versions with times are all kept",
        {"a.ndjson": [PATIENT, at(SEEN, "2024-01-01", "1"), at(SEEN, "2024-02-01", "2")]},
        kinds(Patient=1, Observation=2),
    ),
    # values
    "a-period-of-null": Folder(
        "D4: null is no value", {"a.ndjson": [PATIENT, of("Coverage", "c", beneficiary=MINE, period=None)]},
        problem="a.ndjson, line 2, period: is null",
    ),
    "a-period-in-words": Folder(
        "D4: a Period is an object",
        {"a.ndjson": [PATIENT, of("Coverage", "c", beneficiary=MINE, period="2024")]},
        problem="a.ndjson, line 2, period: is not a Period",
    ),
    "an-american-date": Folder(
        "D4: 01/31/2024 is no FHIR date", {"a.json": {**PATIENT, "birthDate": "01/31/2024"}},
        problem="a.json, birthDate: not a FHIR date: '01/31/2024'",
    ),
    "no-entries": Folder(
        "D4: a Bundle whose entry is null", {"a.json": {"resourceType": "Bundle", "entry": None}},
        problem="a.json, entry: is not a list",
    ),
    "deep-within-a-bundle": Folder(
        "D4: the element is named in a Bundle within a Bundle",
        {"a.json": bundle(
            "batch", {"resource": bundle("batch", {"resource": {**PATIENT, "birthDate": "?"}})}
        )},
        problem="a.json, entry[0].resource.entry[0].resource.birthDate: not a FHIR date",
    ),
    "half-a-line": Folder(
        "D4: a line that was cut short", {"a.ndjson": body([PATIENT]) + b'{"resourceType":"Cov'},
        problem="a.ndjson, line 2: not JSON",
    ),
    "a-claim-of-nobody": Folder(
        "D4: a Coverage that names no Patient", {"a.ndjson": [PATIENT, of("Coverage", "c")]},
        problem="a.ndjson, line 2, beneficiary: Coverage/c belongs to no Patient",
    ),
    # packaging
    "packed-beside-plain": Folder(
        "D5: gzip and zstd beside plain files",
        {"a.ndjson": [PATIENT], "b.ndjson.gz": gzip.compress(body([ORG])),
         "c.ndjson.zst": zstandard.compress(body([SEEN]))},
        kinds(Patient=1, Organization=1, Observation=1),
    ),
    "suffixes": Folder(
        "D5: .jsonl and .NDJSON", {"a.jsonl": [PATIENT], "B.NDJSON": [ORG]},
        kinds(Patient=1, Organization=1),
    ),
    "packed-without-a-suffix": Folder(
        "D5: the first bytes tell that a file is packed", {"a.ndjson": gzip.compress(body([PATIENT]))},
        kinds(Patient=1),
    ),
    "folders-in-folders": Folder(
        "D5: files in any depth", {"x/y/a.ndjson": [PATIENT], "x/b.json": ORG},
        kinds(Patient=1, Organization=1),
    ),
    "cut-short-gzip": Folder(
        "D5: a packed file that is damaged", {"a.ndjson.gz": gzip.compress(body([PATIENT] * 9))[:-9]},
        problem="a.ndjson.gz: cannot be read",
    ),
    # lines
    "line-separators": Folder(
        "D6: U+2028 within a string is no end of a line; CRLF is",
        {"a.ndjson": '{"resourceType":"Patient","id":"p1","name":[{"text":"a\u2028b"}]}\r\n'.encode()
         + body([ORG])},
        kinds(Patient=1, Organization=1),
    ),
    "byte-order-mark": Folder(
        "D7: a byte order mark before lines and before a document",
        {"a.ndjson": BOM + body([PATIENT]), "b.json": BOM + body(ORG)},
        kinds(Patient=1, Organization=1),
    ),
    # who can sign in
    "no-patients": Folder(
        "D8: data of nobody: only a backend service reads it",
        {"a.ndjson": [SEEN, of("Claim", "c1", patient=MINE)]},
        {"loaded": {"Observation": 1, "Claim": 1}, "unreachable": 1, "dangling": 2},
    ),
    "logins-of-its-own": Folder(
        "D8: members.ndjson gives other logins",
        {"a.ndjson": [PATIENT], "members.ndjson": [
            {"username": "ana", "password": "secret", "patient": "p1", "name": "Ana", "role": "eligible",
             "birth_date": "1980-02-03", "spans": [{"line": "qhp", "start": "2020-01-01", "end": None}],
             "purpose": "own"}]},
        kinds(Patient=1),
    ),
    # numbers and references
    "decimals": Folder(
        "D9: numbers keep their digits",
        {"a.ndjson": body([PATIENT]) + b'{"resourceType":"Observation","id":"x1","status":"final","subject":'
         b'{"reference":"Patient/p1"},"valueQuantity":{"value":200.00}}'},
        kinds(Patient=1, Observation=1), kept=('"value":200.00',),
    ),
    "references-by-query": Folder(
        "D10: a reference by an identifier is resolved",
        {"a.ndjson": [PATIENT, ORG, {**SEEN, "performer": [
            to("Organization?identifier=http://x.example/org|77")]}]},
        kinds(Patient=1, Organization=1, Observation=1), kept=('"reference":"Organization/o1"',),
    ),
    "references-to-another-host": Folder(
        "D11: absolute references: local where the target is loaded, else kept and counted",
        {"a.ndjson": [PATIENT, ORG, {**SEEN, "performer": [
            to("https://h.example/fhir/Organization/o1"), to("https://h.example/fhir/Organization/o2")]}]},
        {**kinds(Patient=1, Organization=1, Observation=1), "elsewhere": 1},
        kept=('"reference":"Organization/o1"', '"reference":"https://h.example/fhir/Organization/o2"'),
    ),
    "references-that-dangle": Folder(
        "D11: relative references to what is not there", {"a.ndjson": [PATIENT, {**SEEN, "performer": [
            to("Organization/gone"), to("#inside"), to("urn:uuid:9")]}]},
        {**kinds(Patient=1, Observation=1), "dangling": 2},
    ),
    # types
    "types-without-a-guide": Folder(
        "D12: Claim, PractitionerRole and ImagingStudy are served",
        {"a.ndjson": [PATIENT, of("Claim", "c", patient=MINE, provider=to("PractitionerRole/r")),
                      of("PractitionerRole", "r"), of("ImagingStudy", "i", subject=MINE)]},
        kinds(Patient=1, Claim=1, PractitionerRole=1, ImagingStudy=1),
    ),
    "types-of-several-patients": Folder(
        "D12: a Group, a List of nobody and an Appointment of two are for backend services",
        {"a.ndjson": [PATIENT, OTHER, of("Group", "g", member=[{"entity": MINE}]), of("List", "l"),
                      of("Appointment", "a", participant=[{"actor": MINE}, {"actor": to("Patient/p2")}])]},
        {"loaded": {"Patient": 2, "Group": 1, "List": 1, "Appointment": 1}, "logins": 2,
         "nobodys": {"Group": 1, "List": 1, "Appointment": 1}},
    ),
    "shared-types-that-name-people": Folder(
        "D12: what every member would see names nobody",
        {"a.ndjson": [
            PATIENT, of("PractitionerRole", "r", extension=[{"url": "u", "valueReference": MINE}])
        ]},
        {**kinds(Patient=1), "personal": 1},
    ),
    "types-that-nobody-keeps": Folder(
        "D12: Parameters and OperationOutcome are no records",
        {"a.ndjson": [PATIENT, of("Parameters", None), of("OperationOutcome", None), of("Starship", "s")]},
        {**kinds(Patient=1), "left_out": {"Parameters": 1, "OperationOutcome": 1, "Starship": 1}},
    ),
    # time, strays, shapes, versions
    "from-the-future": Folder(
        "D13: what is of after today is not visible yet",
        {"a.ndjson": [PATIENT, at(SEEN, "2030-01-01T00:00:00Z")]},
        {**kinds(Patient=1, Observation=1), "future": 1},
    ),
    "stray-files": Folder(
        "D14: files that are no data are passed over and named",
        {"a.ndjson": [PATIENT], "package.json": {"name": "x"}, ".index.json": {},
         "log.ndjson": [{"level": 1}], "read.me": b"words"},
        {**kinds(Patient=1), "unread": 4},
    ),
    "nothing-but-strays": Folder(
        "D14: a folder without any data", {"package.json": {"name": "x"}}, problem="no FHIR resource in it"
    ),
    "a-list": Folder(
        "D15: a JSON list, and a Bundle within a Bundle",
        {"a.json": body([PATIENT]).strip().join((b"[", b"]")),
         "b.json": bundle("collection", {"resource": bundle("collection", {"resource": ORG})})},
        kinds(Patient=1, Organization=1),
    ),
    "a-device-of-nobody": Folder(
        "D15: R4 allows a Device without a patient", {"a.ndjson": [PATIENT, of("Device", "d")]},
        {**kinds(Patient=1, Device=1), "nobodys": {"Device": 1}},
    ),
    "a-document": Folder(
        "D15: a document Bundle: its Composition and what it holds",
        {"a.json": bundle(
            "document",
            {"fullUrl": "urn:uuid:1", "resource": of("Composition", "c", subject=to("urn:uuid:2"))},
            {"fullUrl": "urn:uuid:2", "resource": PATIENT},
        )},
        kinds(Composition=1, Patient=1), kept=('"reference":"Patient/p1"',),
    ),
    "stu3": Folder(
        "D16: STU3 is recognized and said",
        {"a.ndjson": [PATIENT, {**SEEN, "comment": "words"}, of("ProcedureRequest", "r")]},
        {**kinds(Patient=1), "other_versions": {
            "STU3 by Observation.comment": 1, "DSTU2 or STU3 by ProcedureRequest": 1}},
    ),
    "dstu2": Folder(
        "D16: DSTU2 is recognized and said", {"a.ndjson": [PATIENT, of("MedicationOrder", "m")]},
        {**kinds(Patient=1), "other_versions": {"DSTU2 by MedicationOrder": 1}},
    ),
    "r5": Folder(
        "D16: types of R5", {"a.ndjson": [PATIENT, of("GenomicStudy", "g")]},
        {**kinds(Patient=1), "other_versions": {"R5 by GenomicStudy": 1}},
    ),
}  # fmt: skip
