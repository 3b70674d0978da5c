"""`serve --data FOLDER`: other people's data through the same index.

A folder holds NDJSON files and JSON files (a resource or a Bundle each), in any depth: what
`generate` wrote, a synthetic patient generator's Bundles, a payer's test export. An entry of a history
Bundle whose request is a DELETE ends a resource at its `lastModified`. Every patient can
sign in: by `members.ndjson` where it is there, else as `<patient id>` with `<patient id>-pass`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value, read_text
from sandbox.core.roster import Account, Span
from sandbox.core.text import quantity
from sandbox.fhir import dates
from sandbox.fhir.params import TYPES, elements, extract, literal, owner
from sandbox.store.batch import Deletion, Given

ACCOUNTS = "members.ndjson"
"""Logins, one `Account.to_json()` a line."""

ALWAYS = date(1900, 1, 1)
Resource = dict[str, Any]


@dataclass
class Report:
    """What a load made of a folder. `bad` are lines that cannot be used, each with file, line and
    reason; `left_out` counts resources of types this payer does not hold."""

    loaded: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{quantity(sum(self.loaded.values()), 'resource')}"]
        if self.left_out:
            parts.append(
                f"left out {sum(self.left_out.values())} of types not held ({', '.join(self.left_out)})"
            )
        if self.bad:
            parts.append(f"skipped {quantity(len(self.bad), 'bad line')}, the first: {self.bad[0]}")
        return "; ".join(parts)


def load(
    folder: Path, *, skip_bad: bool = False
) -> tuple[Iterator[tuple[Account | None, Sequence[Given]]], Report]:
    """The folder's contents for `library.build`, and a report that is whole once they were read.

    Raises FileProblem naming file and line for a line that cannot be used, unless `skip_bad`.
    """
    if not folder.is_dir():
        raise FileProblem(f"{folder}: no such folder")
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".ndjson", ".json"))
    if not files:
        raise FileProblem(f"{folder}: no .ndjson or .json file in it")
    report = Report()
    return _contents(files, report, skip_bad), report


def _contents(
    files: Sequence[Path], report: Report, skip_bad: bool
) -> Iterator[tuple[Account | None, Sequence[Given]]]:
    patients: dict[str, Resource] = {}
    spans: dict[str, list[Span]] = {}
    named: set[str] = set()
    seen: set[tuple[str, str, str]] = set()
    for path in files:
        for where, value in _values(path, report, skip_bad):
            if path.name == ACCOUNTS:
                account = _account(where, value, report, skip_bad)
                if account:
                    named.add(account.patient)
                    yield account, ()
                continue
            for resource in _unbundled(value):
                problem = _problem(resource, seen)
                if problem:
                    _complain(f"{where}: {problem}", report, skip_bad)
                elif resource["resourceType"] not in TYPES:
                    report.left_out[resource["resourceType"]] += 1
                else:
                    report.loaded[resource["resourceType"]] += 1
                    _remember(resource, patients, spans)
                    yield None, (resource,)
            for deletion in _deletions(where, value, report, skip_bad):
                report.loaded["deletions"] += 1
                yield None, (deletion,)
    for id, patient in patients.items():
        if id not in named:
            yield _stranger(id, patient, spans.get(id, [])), ()


def _complain(text: str, report: Report, skip_bad: bool) -> None:
    if not skip_bad:
        raise FileProblem(f"{text} (--skip-bad leaves such lines out)")
    report.bad.append(text)


def _values(path: Path, report: Report, skip_bad: bool) -> Iterator[tuple[str, Any]]:
    """Each JSON value of a file, and where it stands."""
    try:
        text = read_text(path)
    except FileProblem as problem:
        _complain(str(problem), report, skip_bad)
        return
    lines = enumerate(text.splitlines(), 1) if path.suffix == ".ndjson" else [(1, text)]
    for number, line in lines:
        where = f"{path}, line {number}" if path.suffix == ".ndjson" else str(path)
        if line.strip():
            try:
                yield where, json_value(line)
            except ValueError as problem:
                _complain(f"{where}: not JSON: {problem}", report, skip_bad)


def _unbundled(value: Any) -> list[Any]:
    """A Bundle's resources, their references to each other made literal; or the value itself."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return [value]
    entries = [
        e for e in value.get("entry", ()) if isinstance(e, dict) and isinstance(e.get("resource"), dict)
    ]
    names = {
        e["fullUrl"]: f"{e['resource'].get('resourceType')}/{e['resource'].get('id')}"
        for e in entries
        if isinstance(e.get("fullUrl"), str) and "id" in e["resource"]
    }
    return [_literal(e["resource"], names) for e in entries]


def _deletions(where: str, value: Any, report: Report, skip_bad: bool) -> Iterator[Deletion]:
    """What a history Bundle says was deleted, and when."""
    for entry in value.get("entry", ()) if isinstance(value, dict) else ():
        asked = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(asked, dict) or asked.get("method") != "DELETE":
            continue
        named = literal(asked.get("url"))
        try:
            at = dates.parse(entry["response"]["lastModified"])[0]
        except (LookupError, TypeError, ValueError, AttributeError):
            at = None
        if named is None or at is None:
            _complain(f"{where}: a deletion needs request.url and response.lastModified", report, skip_bad)
        else:
            yield Deletion(*named, at)


def _literal(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_literal(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {name: _literal(each, names) for name, each in node.items()}
    if isinstance(changed.get("reference"), str):
        changed["reference"] = names.get(changed["reference"], changed["reference"])
    return changed


def _problem(resource: Any, seen: set[tuple[str, str, str]]) -> str | None:
    """Why this cannot be a resource of a library, or None."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return "not a FHIR resource"
    kind, id = resource["resourceType"], resource.get("id")
    if kind not in TYPES:
        return None
    if not isinstance(id, str) or literal(f"{kind}/{id}") != (kind, id):
        return f"a {kind} without a valid id"
    meta = resource.get("meta", {})
    if not isinstance(meta, dict):
        return f"{kind}/{id}: meta is not an object"
    name = (kind, id, str(meta.get("versionId", "1")))
    if name in seen:
        return f"{kind}/{id} is there twice"
    try:
        list(extract(resource))
        dates.parse(meta.get("lastUpdated", "1970-01-01"))
    except (ValueError, TypeError, AttributeError, KeyError) as problem:
        return f"{kind}/{id}: {problem}"
    if TYPES[kind].owner is not None and owner(resource) is None:
        return f"{kind}/{id} belongs to no Patient"
    seen.add(name)
    return None


def _account(where: str, value: Any, report: Report, skip_bad: bool) -> Account | None:
    try:
        return Account.from_json(value)
    except (KeyError, TypeError, ValueError) as problem:
        _complain(f"{where}: not a member: {problem}", report, skip_bad)
        return None


def _remember(resource: Resource, patients: dict[str, Resource], spans: dict[str, list[Span]]) -> None:
    """What logins are made of: the patients, and their coverage periods."""
    if resource["resourceType"] == "Patient":
        patients[resource["id"]] = resource
    elif resource["resourceType"] == "Coverage":
        period = resource.get("period", {})
        start = _day(period.get("start")) or ALWAYS
        spans.setdefault(str(owner(resource)), []).append(Span("commercial", start, _day(period.get("end"))))


def _day(text: Any) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) and len(text) >= 10 else None


def _stranger(id: str, patient: Resource, spans: list[Span]) -> Account:
    """A login for a patient who came without one. Without a Coverage they count as covered."""
    given = " ".join(str(part) for part in elements(patient, "name.given")[:1])
    family = " ".join(str(part) for part in elements(patient, "name.family")[:1])
    return Account(
        username=id,
        password=f"{id}-pass",
        patient=id,
        name=f"{given} {family}".strip() or id,
        role="eligible",
        birth_date=_day(patient.get("birthDate")) or ALWAYS,
        spans=tuple(spans) or (Span("commercial", ALWAYS, None),),
    )
