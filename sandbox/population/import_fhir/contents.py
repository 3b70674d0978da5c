"""The contents of a library from files: every version of every resource, once.

The files are read twice: to learn which resources there are, and to hand them over with their references
resolved. Every patient can sign in: by `members.ndjson` where it is there, else as `<patient id>` with
`<patient id>-pass`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_exact
from sandbox.core.members import Account, CoverageSpan
from sandbox.fhir import dates
from sandbox.fhir.schema.paths import elements, literal, owner, references
from sandbox.fhir.schema.types import KNOWN, SHARED
from sandbox.population.import_fhir.bundles import (
    ImportedResource,
    Resolve,
    conditional,
    digest,
    is_resource,
    renamed,
    unpacked,
)
from sandbox.population.import_fhir.fhir_versions import other_version
from sandbox.population.import_fhir.files import Complain, FilePlace, find, values
from sandbox.population.import_fhir.problems import fault_of, needs_owner
from sandbox.population.import_fhir.report import Listing, Report
from sandbox.population.import_fhir.resource_versions import Identified, Version, Versions
from sandbox.store.library.rows import Deletion, Given

ACCOUNTS = "members.ndjson"
"""Logins, one `Account` a line."""

ALWAYS = date(1900, 1, 1)
PEOPLE = frozenset({"Patient", "RelatedPerson", "Person", "Group"})
TOGETHER = 500
"""Resources that are handed over at a time."""
EVERY = 500
"""Resources between two calls of `progress`."""

_SPACED = re.compile(rb'"reference"(?!:")')
"""A reference that is written with blanks, which `references` does not find."""
_OTHER_HOST = re.compile(rb'"reference":"(?:https?:|[A-Z][A-Za-z]+\?)')

Contents = Iterator[tuple[Account | None, Sequence[Given]]]


def load(
    path: Path,
    *,
    skip_bad: bool = False,
    today: date | None = None,
    progress: Callable[..., None] = lambda *counts: None,
) -> tuple[Contents, Report]:
    """What a file or folder holds, for `write.build`, and a report that is whole once that was read.
    `progress` is told how many resources were read (each is read twice), and in the second
    reading how many readings there are.

    Raises FileProblem naming file, line and element of what cannot be used, unless `skip_bad`.
    """
    files, others = find(path)
    if not files:
        passed = f" ({Listing.from_texts(other.name for other in others)} passed over)" if others else ""
        raise FileProblem(f"{path}: no .ndjson or .json file in it{passed}")
    report = Report(unread=Listing.from_texts(map(str, others)))
    loading = _Load(files, report, skip_bad, progress)
    if not loading.survey() and not loading.accounts and not report.bad.count:
        raise FileProblem(f"{path}: no FHIR resource in it")
    return loading.contents(today), report


def logins(path: Path, *, skip_bad: bool = False) -> Iterator[Account]:
    """Who can sign in to a payer that serves this data. Raises FileProblem."""
    return (account for account, _ in load(path, skip_bad=skip_bad)[0] if account)


@dataclass
class _Load:
    files: list[Path]
    report: Report
    skip_bad: bool
    progress: Callable[..., None]
    accounts: list[Account] = field(default_factory=list)
    versions: Versions = field(default_factory=Versions)
    identified: Identified = field(default_factory=Identified)
    conditional: list[tuple[str, str, Any]] = field(default_factory=list)
    """Conditional creates: type/id, query, identifiers."""
    left_out: set[int] = field(default_factory=set)
    """Numbers of the resources that are not handed over."""
    read: int = 0
    """How many there are."""
    seen: dict[Path, tuple[int, int] | None] = field(default_factory=dict)
    """The files as they were before they were read."""

    # --- the first reading

    def survey(self) -> int:
        """Learn what the files hold; count in the report what is not handed over, and why. Returns how
        many resources there are."""
        number = -1
        for number, item in enumerate(self._read_items(lambda query: None)):
            if number % EVERY == 0:
                self.progress(number)
            if isinstance(item, ImportedResource) and not self._is_kept(number, item):
                self.left_out.add(number)
        for created in self.conditional:
            self._settle(*created)
        for name, versions in self.versions.in_several():
            self._supersede(name, versions)
        self.read = number + 1
        return self.read

    def _is_kept(self, number: int, item: ImportedResource) -> bool:
        kind = item.resource["resourceType"]
        if found_version := other_version(item.resource):
            version, sign = found_version
            self.report.other_versions[f"{version} by {sign}"] += 1
            return False
        if kind not in KNOWN:
            self.report.left_out[kind] += 1
            return False
        if fault := fault_of(item.resource, item.line):
            self._complain(item.place.at(fault[0]), fault[1])
            return False
        meta = item.resource.get("meta", {})
        updated = dates.parse(meta.get("lastUpdated", "1970-01-01"))[0]
        name, version = f"{kind}/{item.resource['id']}", str(meta.get("versionId", "1"))
        mine = Version(updated, version, digest(item.resource), number, item.place)
        for other in self.versions.of_resource(name):
            if other.digest == mine.digest:
                self.report.same[kind] += 1
                return False
            if item.query:
                self.report.existing[kind] += 1
                return False
            if (other.updated, other.version) == (updated, version):
                self.report.differing.add(f"{name} in {item.place} is not that in {other.place}")
                return False
        self.versions.add(name, mine)
        if item.query:
            self.conditional.append((name, item.query, item.resource.get("identifier")))
        else:
            self._identify(name, item.resource.get("identifier"))
        return True

    def _identify(self, name: str, identifiers: Any) -> None:
        kind = name.partition("/")[0]
        for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
            if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
                for text in (f"{identifier.get('system', '')}|{identifier['value']}", identifier["value"]):
                    self.identified.add(f"{kind}?identifier={text}", name)

    def _settle(self, name: str, query: str, identifiers: Any) -> None:
        """Keep a conditional create where nothing else meets its query."""
        created, *others = self.versions.of_resource(name)
        if self.identified.claim(query, name) == name or others:
            self._identify(name, identifiers)
            return
        self.versions.remove(name)
        self.left_out.add(created.number)
        self.report.existing[name.partition("/")[0]] += 1

    def _supersede(self, name: str, versions: list[Version]) -> None:
        """Of versions that began at the same moment, a clock shows the newest only."""
        newest: dict[int, Version] = {}
        for version in versions:
            other = newest.setdefault(version.updated, version)
            if other is not version:
                older, newest[version.updated] = sorted((other, version), key=_age)
                self.left_out.add(older.number)
                self.report.superseded[name.partition("/")[0]] += 1

    # --- the second

    def contents(self, today: date | None) -> Contents:
        """The accounts and resources, in the order of the files."""
        patients: dict[str, dict[str, Any]] = {}
        spans: dict[str, list[CoverageSpan]] = {}
        owners: dict[str, None] = {}
        together: list[Given] = []
        end = dates.FOREVER
        if today:
            end = dates.milliseconds(datetime.combine(today + timedelta(days=1), time(), UTC))
        for account in self.accounts:
            self.report.logins.add(account.username)
            yield account, ()
        for number, item in enumerate(self._read_items(self.identified.get, again=True)):
            if number % EVERY == 0:
                self.progress(self.read + number, 2 * self.read)
            if len(together) == TOGETHER:
                yield None, together
                together = []
            if isinstance(item, Deletion):
                self.report.loaded["deletions"] += 1
                together.append(item)
                continue
            if number in self.left_out:
                continue
            localized = self._localized(item)
            resource = localized if isinstance(localized, dict) else item.resource
            kind, patient = resource["resourceType"], owner(resource)
            if patient is None and needs_owner(kind):
                element = item.place.at(KNOWN[kind].owner[0])
                self._complain(element, f"{kind}/{resource['id']} belongs to no Patient")
                continue
            if kind in SHARED:
                if about := _person(localized, resource):
                    self.report.personal.add(f"{kind}/{resource['id']} in {item.place} names {about}")
                    continue
            elif patient is None and not KNOWN[kind].owned_through:
                self.report.nobodys[kind] += 1
            self._note(localized, resource, end)
            self.report.loaded[kind] += 1
            if kind == "Patient":
                patients[resource["id"]] = {n: resource[n] for n in ("name", "birthDate") if n in resource}
            elif patient:
                owners[patient] = None
            if kind == "Coverage":
                spans.setdefault(str(patient), []).append(_span(resource))
            together.append(localized)
        yield None, together
        for patient in owners:
            if patient not in patients:
                self.report.unreachable.add(patient)
        named = {account.patient for account in self.accounts}
        for id, seen in patients.items():
            if id not in named:
                self.report.logins.add(id)
                yield _stranger(id, seen, spans.get(id, [])), ()

    def _localized(self, item: ImportedResource) -> bytes | dict[str, Any]:
        """Return the resource with relative references to loaded ones, as its own bytes if possible."""
        line = item.line
        if line is not None and not _SPACED.search(line) and not _OTHER_HOST.search(line):
            return line
        content = json_exact(line) if line is not None else item.resource
        return renamed(content, self._local)  # type: ignore[no-any-return]

    def _local(self, reference: str) -> str | None:
        if query := conditional(reference):
            return self.identified.get(query)
        named = literal(reference) if reference.startswith(("http:", "https:")) else None
        if named and f"{named[0]}/{named[1]}" in self.versions:
            return reference[reference.rindex("/".join(named)) :]
        return None

    def _note(self, localized: bytes | dict[str, Any], resource: dict[str, Any], end: int) -> None:
        """Count what people should know of a resource that is handed over."""
        name = f"{resource['resourceType']}/{resource['id']}"
        if dates.parse(resource.get("meta", {}).get("lastUpdated", "1970-01-01"))[0] >= end:
            self.report.future.add(name)
        body = localized if isinstance(localized, bytes) else json_bytes(localized)
        for reference in references(body):
            if reference.startswith(("http:", "https:")):
                self.report.elsewhere.add(f"{name} to {reference}")
            elif not reference.startswith("#"):
                named = literal(reference)
                if named is None or f"{named[0]}/{named[1]}" not in self.versions:
                    self.report.dangling.add(f"{name} to {reference}")

    # --- both

    def _read_items(self, resolve: Resolve, *, again: bool = False) -> Iterator[ImportedResource | Deletion]:
        """What the files hold, in the same order each time; what cannot be used is told of once."""
        complain: Complain = _say_nothing if again else self._complain
        for path in self.files:
            if path.name == ACCOUNTS or path.name.startswith(f"{ACCOUNTS}."):
                if not again:
                    self._read_accounts(path)
                continue
            if self.seen.setdefault(path, _state(path)) != _state(path):
                raise FileProblem(f"{path}: changed while it was read")
            complaints, is_data = self.report.bad.count, False
            for value in values(path, complain):
                is_data = (
                    is_data
                    or is_resource(value.content)
                    or any(is_resource(other.content) for other in values(path, _say_nothing))
                )
                if not is_data:  # a file of something else
                    break
                yield from unpacked(value, resolve, complain)
            if not (is_data or again) and self.report.bad.count == complaints:
                self.report.unread.add(f"{path} (no FHIR resource)")

    def _read_accounts(self, path: Path) -> None:
        for value in values(path, self._complain):
            try:
                self.accounts.append(Account.from_json(value.content))
            except (KeyError, TypeError, ValueError, AttributeError) as problem:
                self._complain(value.place, f"not a member: {problem}")

    def _complain(self, place: FilePlace, text: str) -> None:
        if not self.skip_bad:
            raise FileProblem(f"{place}: {text} (--skip-bad leaves out what cannot be used)")
        self.report.bad.add(f"{place}: {text}")


def _person(localized: bytes | dict[str, Any], resource: dict[str, Any]) -> str | None:
    """The first person that a resource holds, or refers to anywhere."""
    inside = next((kind for kind in elements(resource, "contained.resourceType") if kind in PEOPLE), None)
    if inside:
        return f"a {inside} within it"
    body = localized if isinstance(localized, bytes) else json_bytes(localized)
    return next((reference for reference in references(body) if _referred(reference) in PEOPLE), None)


def _referred(reference: str) -> str:
    """The type that a reference or a query names."""
    target = literal(reference)
    return target[0] if target else reference.partition("?")[0].rpartition("/")[2]


def _say_nothing(place: FilePlace, text: str) -> None:
    """What is wrong is told of at another reading."""


def _state(path: Path) -> tuple[int, int] | None:
    """What is different once a file was changed; None where it cannot be told."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _age(version: Version) -> tuple[int, str, int]:
    """Sorts versions: numbers by their size."""
    text = version.version
    return len(text) if text.isdigit() else 0, text, version.number


def _span(coverage: dict[str, Any]) -> CoverageSpan:
    period = coverage.get("period", {})
    return CoverageSpan("commercial", _day(period.get("start")) or ALWAYS, _day(period.get("end")))


def _day(text: Any) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) and len(text) >= 10 else None


def _stranger(id: str, patient: dict[str, Any], spans: list[CoverageSpan]) -> Account:
    """A login for a patient who came without one. Without a Coverage they count as covered."""
    given_name = " ".join(str(part) for part in elements(patient, "name.given")[:1])
    family = " ".join(str(part) for part in elements(patient, "name.family")[:1])
    return Account(
        username=id,
        password=f"{id}-pass",
        patient=id,
        name=f"{given_name} {family}".strip() or id,
        role="eligible",
        birth_date=_day(patient.get("birthDate")) or ALWAYS,
        spans=tuple(spans) or (CoverageSpan("commercial", ALWAYS, None),),
        purpose="of the loaded data",
    )
