"""What goes into a library, as rows that any process can make: most of the work of a build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sandbox.core.files import json_bytes, json_value
from sandbox.core.members import Account
from sandbox.fhir import dates
from sandbox.fhir.schema.model import ANY_ID, LAST_UPDATED, PATIENT
from sandbox.fhir.schema.paths import CARE, MENTIONED, care_range, extract, mentioned, owner
from sandbox.fhir.schema.types import SHARED, TYPES
from sandbox.store.library.households import Clue, clue
from sandbox.store.library.schema import NUMBERS, RESOURCE
from sandbox.store.library.traits import Span, Trait


class Deletion(NamedTuple):
    """A resource ceased to be at an instant (ms)."""

    kind: str
    id: str
    at: int


Given = dict[str, Any] | bytes | Deletion
"""A resource as it comes to a library: a dictionary, or finished bytes that are kept as they are; or
that one is no more."""


Row = list[Any]
"""A row of `resource`, in the order of its columns."""

AT = {column.name: number for number, column in enumerate(RESOURCE.columns)}

IDENTIFIER = "identifier"
"""How the names of the parameters end whose values are of one resource each."""


class Batch(NamedTuple):
    """What somebody contributes, as rows that only lack their place in the library.

    Rows begin with a number that counts the resources of the batch from 1. `sets` and `spans` are the
    sets of traits that some of them have, `own` what only one has. `shared` are resources of nobody's;
    they go to the end, so that `$everything` and paging start with the patient. `clues` tell who is on
    whose policy, `profiles` which types claim which.
    """

    account: tuple[str, str | None, bytes] | None
    resources: list[Row]
    sets: dict[tuple[Trait, ...], int]
    spans: dict[tuple[Span, ...], int]
    own: list[tuple[int, str, str, str]]
    strings: list[tuple[int, str, str, str]]
    clues: list[Clue]
    deletions: list[Deletion]
    profiles: set[tuple[str, str]]
    shared: Batch | None = None


def indexed(account: Account | None, resources: Iterable[Given]) -> Batch:
    """The rows of a member's resources: most of the work of a build, which any process can do."""
    own, shared = empty_batch(), empty_batch()
    for item in resources:
        if isinstance(item, Deletion):
            own.deletions.append(item)
            continue
        resource, body = (item, json_bytes(item)) if isinstance(item, dict) else (json_value(item), item)
        batch = shared if resource["resourceType"] in SHARED else own
        index_resource(batch, len(batch.resources) + 1, resource, body, owner(resource))
    for batch in (own, shared):
        _close_versions(batch.resources)
    _find_owners(own)
    login = None
    if account:
        login = account.username, None if account.fhir_user else account.patient, json_bytes(account)
    return own._replace(account=login, shared=shared if shared.resources else None)


def empty_batch() -> Batch:
    return Batch(None, [], {(): 0}, {(): 0}, [], [], [], [], set())


def index_resource(
    batch: Batch, number: int, resource: dict[str, Any], body: bytes, patient: str | None
) -> None:
    """Add the rows of a resource in the compartment of `patient`, which begin with `number`."""
    precision: int | None = None
    tokens: list[Trait] = []
    refers: list[Trait] = []
    periods: list[Span] = []
    a: Any
    b: Any
    for name, kind, a, b in extract(resource, (ANY_ID,)):
        if kind == "date":
            if name == LAST_UPDATED:
                precision = b - a
            else:
                periods.append((name, a, b))
        elif kind == "string":
            batch.strings.append((number, name, a, b))
        elif kind == "reference":
            if a in SHARED:
                refers.append((name, a, b))
            elif name != PATIENT or a != "Patient" or b != patient:
                batch.own.append((number, name, a, b))
        elif name.endswith(IDENTIFIER):
            batch.own.append((number, name, a, b))
        else:
            tokens.append((name, a, b))
    names = {(kind, id) for _, kind, id in refers}
    refers += [(MENTIONED, *name) for name in mentioned(body) if name not in names]
    if care := care_range(resource):
        periods.append((CARE, *care))
    meta = resource.get("meta", {})
    batch.resources.append(
        [
            number,
            NUMBERS[resource["resourceType"]],
            resource["id"],
            patient,
            str(meta.get("versionId", "1")),
            dates.parse(meta.get("lastUpdated", "1970-01-01"))[0],
            dates.FOREVER,
            precision,
            batch.sets.setdefault(tuple(tokens), len(batch.sets)),
            batch.sets.setdefault(tuple(refers), len(batch.sets)),
            batch.spans.setdefault(tuple(periods), len(batch.spans)),
            body,
        ]
    )
    batch.profiles.update((resource["resourceType"], name) for name in _profiles(meta))
    if hint := clue(resource):
        batch.clues.append(hint)


def _profiles(meta: dict[str, Any]) -> list[str]:
    """The profiles that a resource claims, without their versions."""
    claimed = meta.get("profile")
    texts = claimed if isinstance(claimed, list) else []
    return [text.partition("|")[0] for text in texts if isinstance(text, str)]


def _close_versions(rows: list[Row]) -> None:
    """A version is in force until the next one of the same resource."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[AT["type"]], row[AT["id"]]), []).append(row)
    for versions in groups.values():
        if len(versions) > 1:
            starts = sorted(row[AT["updated"]] for row in versions)
            for row in versions:
                row[AT["until"]] = next((s for s in starts if s > row[AT["updated"]]), dates.FOREVER)


def _find_owners(batch: Batch) -> None:
    """A resource that does not name its patient belongs to the one patient of what it points to. What
    points out of the batch is left to who sees all of it."""
    links = {NUMBERS[kind.name]: kind.owned_through for kind in TYPES.values() if kind.owned_through}
    lost = {row[0]: row for row in batch.resources if row[AT["type"]] in links}
    if not lost:
        return
    patients = {(row[AT["type"]], row[AT["id"]]): row[AT["patient"]] for row in batch.resources}
    owners_by_number: dict[int, set[str | None]] = {}
    for number, name, kind, id in batch.own:
        if number in lost and name == links[lost[number][AT["type"]]]:
            owners_by_number.setdefault(number, set()).add(patients.get((NUMBERS.get(kind, 0), id)))
    for number, owners in owners_by_number.items():
        if len(owners) == 1:
            lost[number][AT["patient"]] = owners.pop()
