"""Written resources: what a tenant's clients have created, replaced and deleted, version by version.

A version is in force from `updated`, by the payer's clock, until the next one. A clock that is turned back
hides the versions that came later by it. The library never changes: a written resource with the type and id
of one in the library takes its place for this tenant.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from sandbox.core.errors import Conflict, TooLarge
from sandbox.core.files import json_bytes
from sandbox.fhir import dates
from sandbox.fhir.library import Stored
from sandbox.fhir.schema.paths import owner
from sandbox.store.driver import Row, bind, pad
from sandbox.store.ledger.repositories.repository import META, Part, table, written

WRITTEN = Table(
    "written_resource",
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("patient", String),
    Column("updated", BigInteger, nullable=False),
    Column("body", LargeBinary),  # null: the resource was deleted
    written(),
    Index("written_version", "tenant", "type", "id", "version", unique=True),
    Index("written_number", "tenant", "number"),
    sqlite_autoincrement=True,  # a number never means another version
)
WRITTEN_STATE = table(
    "written_state",  # one row for each tenant that has written something
    Column("revision", BigInteger, nullable=False),  # another one after every change
    Column("versions", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

VERSIONS_MAX, BYTES_MAX, BODY_MAX = 5_000, 16 << 20, 65_536
"""Versions and bytes that a tenant may keep, and bytes of one resource."""

REVISION = select(WRITTEN_STATE.c.revision).where(WRITTEN_STATE.c.tenant == bind("tenant")).scalar_subquery()
"""The tenant's revision as a column of another statement; null while nothing was written."""

_COLUMNS = tuple(WRITTEN.c[n] for n in ("number", "type", "id", "version", "patient", "updated", "body"))
_AFTER = (
    select(WRITTEN_STATE.c.revision, *_COLUMNS)
    .select_from(
        WRITTEN_STATE.outerjoin(
            WRITTEN, and_(WRITTEN.c.tenant == WRITTEN_STATE.c.tenant, WRITTEN.c.number > bind("number"))
        )
    )
    .where(WRITTEN_STATE.c.tenant == bind("tenant"))
    .order_by(WRITTEN.c.number)
)
_VERSIONS = select(func.count()).where(WRITTEN.c.tenant == WRITTEN_STATE.c.tenant).scalar_subquery()
_BYTES = (
    select(func.coalesce(func.sum(func.length(WRITTEN.c.body)), 0))
    .where(WRITTEN.c.tenant == WRITTEN_STATE.c.tenant)
    .scalar_subquery()
)
RECOUNTED = (
    update(WRITTEN_STATE).values(revision=WRITTEN_STATE.c.revision + 1, versions=_VERSIONS, bytes=_BYTES),
    delete(WRITTEN_STATE).where(WRITTEN_STATE.c.versions == 0),
)
"""What makes the states right after versions were removed."""

_BODIES = select(WRITTEN.c.number, WRITTEN.c.body).where(
    WRITTEN.c.tenant == bind("tenant"), WRITTEN.c.number.in_(bind("numbers", many=True))
)
_REVISION = select(WRITTEN_STATE.c.revision).where(WRITTEN_STATE.c.tenant == bind("tenant"))


@dataclass(frozen=True)
class WrittenVersion:
    """A version as the ledger keeps it. `number` orders all versions, `updated` (ms) is by the payer's clock,
    `body` None says that the resource was deleted then."""

    number: int
    type: str
    id: str
    version: int
    patient: str | None
    updated: int
    body: bytes | None


@dataclass(frozen=True)
class WrittenChange:
    """A resource to be written (`resource` None: to be deleted), in the compartment of `patient`.

    `current` is the version that the writer knows to be in force (None: there is no such resource). The
    change is refused if another version is in force by then.
    """

    type: str
    id: str
    resource: Mapping[str, Any] | None
    patient: str | None = None
    current: Stored | None = None


class WrittenResources(Part):
    """What a tenant's clients have written."""

    def put(
        self,
        resource: Mapping[str, Any],
        now: int,
        *,
        patient: str | None = None,
        current: Stored | None = None,
    ) -> WrittenVersion:
        """Create a resource, or replace its `current` version, at `now` (ms) of the payer's clock.

        Its `meta.versionId` and `meta.lastUpdated` are set. `patient` is its compartment, if the resource
        does not name it. Raises Conflict if another version is in force, TooLarge beyond the limits.
        """
        change = WrittenChange(
            resource["resourceType"], resource["id"], resource, patient or owner(dict(resource)), current
        )
        return self.write([change], now)[0]

    def delete(self, current: Stored, now: int) -> None:
        """Delete a resource whose `current` version the writer knows. Raises Conflict."""
        self.write([WrittenChange(current.type, current.id, None, current.patient, current)], now)

    def write(self, changes: Sequence[WrittenChange], now: int) -> list[WrittenVersion]:
        """Make all of the changes, or none. Each is of another resource.

        Raises Conflict if another version of one of them is in force, TooLarge beyond the limits.
        """
        if not changes:
            return []
        with self._write() as db:
            # The row of the tenant's state is locked first: writers of a tenant take turns.
            versions, size = self._advance(db, len(changes))
            latest = self._latest(db, changes, now)
            rows = [_row(change, now, *latest.get((change.type, change.id), (0, None))) for change in changes]
            size += sum(len(row["body"] or b"") for row in rows)
            if versions > VERSIONS_MAX or size > BYTES_MAX:
                text = (
                    f"This payer keeps at most {VERSIONS_MAX} versions of written resources and"
                    f" {BYTES_MAX >> 20} MB."
                )
                raise TooLarge(text, code="too-costly", cause="written-too-much")
            stamp = {"tenant": self.name, "written": self._upkeep.now()}
            numbered = insert(WRITTEN).returning(WRITTEN.c.number, sort_by_parameter_order=True)
            numbers = db.execute(numbered, [{**stamp, **row} for row in rows]).scalars().all()
            mine = WRITTEN_STATE.c.tenant == self.name
            db.execute(update(WRITTEN_STATE).where(mine).values(bytes=size))
        return [WrittenVersion(number, **row) for number, row in zip(numbers, rows, strict=True)]

    def revision(self) -> int | None:
        """The revision of what is written; None while nothing is. Most requests know it from `arrival`."""
        for (revision,) in self._rows(_REVISION):
            return int(revision)
        return None

    def after(self, number: int) -> tuple[int | None, list[WrittenVersion]]:
        """The revision and the versions written after a number, as of the same moment."""
        rows = self._rows(_AFTER, number=number)
        return (
            int(rows[0][0]) if rows else None,
            [
                WrittenVersion(number, kind, id, version, patient, updated, body and bytes(body))
                for _, number, kind, id, version, patient, updated, body in rows
                if number is not None
            ],
        )

    def bodies(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The bodies of some versions by their numbers."""
        rows = self._rows(_BODIES, numbers=pad(list(numbers)))
        return {int(number): bytes(body) for number, body in rows}

    def _advance(self, db: Connection, number: int) -> tuple[int, int]:
        """Count so many more versions. Returns how many there are then, and the bytes before them."""
        # A tenant that begins anew must not come to a revision that it had before.
        first = secrets.randbits(52)
        row = self._upsert(WRITTEN_STATE).values(revision=first, versions=number, bytes=0)
        changes = {
            "revision": WRITTEN_STATE.c.revision + number,
            "versions": WRITTEN_STATE.c.versions + number,
        }
        counted = row.on_conflict_do_update(index_elements=["tenant"], set_=changes)
        versions, size = db.execute(counted.returning(WRITTEN_STATE.c.versions, WRITTEN_STATE.c.bytes)).one()
        return int(versions), int(size)

    def _latest(
        self, db: Connection, changes: Sequence[WrittenChange], now: int
    ) -> dict[tuple[str, str], tuple[int, Row | None]]:
        """Of each resource that was written before: its greatest version, and the version in force."""
        ids: dict[str, list[str]] = {}
        for change in changes:
            ids.setdefault(change.type, []).append(change.id)
        columns = [WRITTEN.c[n] for n in ("type", "id", "version", "updated")]
        latest: dict[tuple[str, str], tuple[int, Row | None]] = {}
        for kind, some in ids.items():
            mine = [*self._where(WRITTEN, type=kind), WRITTEN.c.id.in_(some)]
            is_deleted = WRITTEN.c.body.is_(None)
            order = WRITTEN.c.updated, WRITTEN.c.number
            for row in db.execute(select(*columns, is_deleted).where(*mine).order_by(*order)):
                greatest, current = latest.get((row.type, row.id), (0, None))
                in_force = tuple(row) if row.updated <= now else current
                latest[row.type, row.id] = (max(greatest, row.version), in_force)
        return latest


def _row(change: WrittenChange, now: int, greatest: int, latest: Row | None) -> dict[str, Any]:
    """The columns of the version that a change makes. Raises Conflict, TooLarge."""
    current = change.current
    if latest is None:
        # Nothing written is in force: the library's own version may be replaced.
        fits = True
    elif latest[-1]:
        fits = current is None
    else:
        fits = current is not None and current.version == str(latest[2])
    if not fits or (change.resource is None and current is None):
        raise Conflict(f"This {change.type} was changed by somebody else.", cause="written-meanwhile")
    number = max(greatest, _number(current.version) if current else 0) + 1
    body = None
    if change.resource is not None:
        meta = {
            **change.resource.get("meta", {}),
            "versionId": str(number),
            "lastUpdated": dates.instant(now),
        }
        body = json_bytes({**change.resource, "meta": meta})
        if len(body) > BODY_MAX:
            raise TooLarge(f"A resource may have at most {BODY_MAX} bytes.", cause="resource-too-large")
    return {
        "type": change.type,
        "id": change.id,
        "version": number,
        "patient": change.patient,
        "updated": now,
        "body": body,
    }


def _number(version: str) -> int:
    """A version of a library as a number; loaded data may have others."""
    return int(version) if version.isdecimal() and len(version) < 9 else 0
