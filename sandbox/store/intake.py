"""How a library is made: resources become rows, rows a file, whole or not at all.

A resource may come in several versions. Each is in force from its `lastUpdated` until the next one's,
so the tenant's clock decides what is seen: a claim that is not visible yet, its first version, or the
one after it was replaced. A deletion ends the version that is in force then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, exists, func, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateSchema, CreateTable, DropSchema

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.core.roster import Account
from sandbox.fhir import dates
from sandbox.fhir.params import SHARED, TYPES, care_range, extract, owner
from sandbox.store import address
from sandbox.store.households import Clue, clue, links
from sandbox.store.packing import SAMPLE, Packing, trained
from sandbox.store.schema import ABOUT, ACCOUNT, DICTIONARY, HOUSEHOLD, META, REFERENCE, RESOURCE, ROWS


class Deletion(NamedTuple):
    """A resource ceased to be at an instant (ms)."""

    kind: str
    id: str
    at: int


Given = dict[str, Any] | bytes | Deletion
"""A resource as it comes to a library: a dictionary, or finished bytes that are kept as they are; or
that one is no more."""


class Batch(NamedTuple):
    """What somebody contributes, as rows that only lack their place in the library.

    Rows begin with a number that counts the resources of the batch from 1. `shared` are resources of
    nobody's; they go to the end, so that `$everything` and paging start with the patient. `clues` tell
    who is on whose policy.
    """

    account: tuple[str, bytes] | None
    resources: list[tuple[Any, ...]]
    rows: dict[str, list[tuple[Any, ...]]]
    clues: list[Clue]
    deletions: list[Deletion]
    shared: Batch | None = None


def indexed(account: Account | None, resources: Iterable[Given]) -> Batch:
    """The rows of a member's resources: most of the work of a build, which any process can do."""
    own, shared = _nothing(), _nothing()
    for given in resources:
        if isinstance(given, Deletion):
            own.deletions.append(given)
            continue
        resource, body = (given, json_bytes(given)) if isinstance(given, dict) else (json_value(given), given)
        _index_one(shared if resource["resourceType"] in SHARED else own, resource, body)
    login = (account.username, json_bytes(account.to_json())) if account else None
    return own._replace(account=login, shared=shared if shared.resources else None)


def _nothing() -> Batch:
    return Batch(None, [], {kind: [] for kind in ROWS}, [], [])


def _index_one(batch: Batch, resource: dict[str, Any], body: bytes) -> None:
    number = len(batch.resources) + 1
    low, high = care_range(resource) or (None, None)
    meta = resource.get("meta", {})
    batch.resources.append(
        (
            number,
            resource["resourceType"],
            resource["id"],
            owner(resource),
            str(meta.get("versionId", "1")),
            dates.parse(meta.get("lastUpdated", "1970-01-01"))[0],
            dates.FOREVER,
            low,
            high,
            body,
        )
    )
    if found := clue(resource):
        batch.clues.append(found)
    for row in extract(resource):
        batch.rows[row.kind].append((number, row.param, row.a, row.b))


def build(place: str | Path, contents: Iterable[tuple[Account | None, Iterable[Given]]]) -> int:
    """Write a library of these members, whole or not at all, to a file or to a schema of a database
    (its address). Returns the resource count."""
    return write(place, (indexed(account, resources) for account, resources in contents))


def write(place: str | Path, batches: Iterable[Batch]) -> int:
    """The same of rows that are made already. Raises FileProblem."""
    if isinstance(place, str) and address.is_url(place):
        return _write_schema(place, batches)
    return _write_file(Path(place), batches)


def _write_file(path: Path, batches: Iterable[Batch]) -> int:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    engine = address.writing(part)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with engine.connect() as db:
            # nothing is read from this file before it is whole, so nothing needs to be taken back
            db.exec_driver_sql("PRAGMA journal_mode = OFF")
            db.exec_driver_sql("PRAGMA synchronous = OFF")
            count = _written(db, batches)
            db.commit()
        engine.dispose()
        with part.open("rb") as whole:
            os.fsync(whole.fileno())
        part.replace(path)
    except (OSError, OperationalError) as problem:
        raise FileProblem(f"{path}: cannot be written ({problem})".splitlines()[0]) from None
    finally:
        engine.dispose()
        with suppress(OSError):
            part.unlink()
    return count


def _write_schema(place: str, batches: Iterable[Batch]) -> int:
    """One transaction: until it is over, nobody sees any of it."""
    engine = address.writing(place)
    driver: Any = engine.dialect.loaded_dbapi
    try:
        with engine.begin() as db:
            schema = address.schema_of(place)
            # two that build the same one after the other: the second replaces the first
            db.execute(select(func.pg_advisory_xact_lock(func.hashtext(schema))))
            db.execute(DropSchema(schema, cascade=True, if_exists=True))
            db.execute(CreateSchema(schema))
            return _written(db, batches)
    except (DBAPIError, driver.Error) as problem:
        why = str(getattr(problem, "orig", problem)).splitlines()[0]
        raise FileProblem(f"{address.shown(place)}: cannot be written ({why})") from None
    finally:
        engine.dispose()


def _written(db: Connection, batches: Iterable[Batch]) -> int:
    """Every table of a library, in an empty place."""
    for table in META.sorted_tables:
        db.execute(CreateTable(table))
    count, deletions = _fill(db, iter(batches))
    for table in META.sorted_tables:  # at the end, since to keep them sorted is slow
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            index.create(db)
    _close_versions(db)
    _delete(db, deletions)
    _find_owners(db)
    db.execute(text("ANALYZE"))
    return count


def _fill(db: Connection, batches: Iterator[Batch]) -> tuple[int, list[Deletion]]:
    first = _sample(batches)
    packing = trained([row[-1] for batch in first for row in batch.resources])
    _insert(db, ABOUT, [(DICTIONARY, packing.dictionary)])
    shared: list[Batch] = []
    clues: list[Clue] = []
    deletions: list[Deletion] = []
    logins = count = 0
    for batch in chain(first, batches):
        if batch.account:
            logins += 1
            _insert(db, ACCOUNT, [(logins, *batch.account)])
        if batch.shared:
            shared.append(batch.shared)
        clues += batch.clues
        deletions += batch.deletions
        count = _put(db, packing, count, batch)
    _insert(db, HOUSEHOLD, [(number, *link) for number, link in enumerate(links(clues), 1)])
    for batch in shared:
        count = _put(db, packing, count, batch)
    return count, deletions


def _sample(batches: Iterator[Batch]) -> list[Batch]:
    """The first batches, enough to learn from what resources here look like."""
    taken: list[Batch] = []
    size = 0
    for batch in batches:
        taken.append(batch)
        size += sum(len(row[-1]) for row in batch.resources)
        if size >= SAMPLE:
            break
    return taken


def _put(db: Connection, packing: Packing, before: int, batch: Batch) -> int:
    """Give the rows of a batch their keys. Returns how many resources there are now."""
    kept = [(row[0] + before, *row[1:-1], packing.pack(row[-1])) for row in batch.resources]
    _insert(db, RESOURCE, kept)
    for kind, rows in batch.rows.items():
        _insert(db, ROWS[kind], [(row[0] + before, *row[1:]) for row in rows])
    return before + len(batch.resources)


def _insert(db: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Straight to the driver: there are some millions of them."""
    if not rows:
        return
    if db.dialect.name == "sqlite":
        blanks = ", ".join("?" * len(table.columns))
        db.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({blanks})", rows)  # noqa: S608  our own names
        return
    driver: Any = db.connection.driver_connection
    with driver.cursor().copy(f"COPY {table.name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _close_versions(db: Connection) -> None:
    """A version is in force until the next one of the same resource."""
    later = RESOURCE.alias("later")
    same = and_(later.c.type == RESOURCE.c.type, later.c.id == RESOURCE.c.id)
    following = select(func.min(later.c.updated)).where(same, later.c.updated > RESOURCE.c.updated)
    replaced = exists().where(same, later.c.updated > RESOURCE.c.updated)
    db.execute(update(RESOURCE).where(replaced).values(until=following.scalar_subquery()))


def _delete(db: Connection, deletions: Iterable[Deletion]) -> None:
    for kind, id, at in deletions:
        ended = and_(
            RESOURCE.c.type == kind, RESOURCE.c.id == id, RESOURCE.c.updated <= at, RESOURCE.c.until > at
        )
        db.execute(update(RESOURCE).where(ended).values(until=at))


def _find_owners(db: Connection) -> None:
    """A resource that does not name its patient belongs to the patient of what it points to."""
    target = RESOURCE.alias("target")
    for kind in TYPES.values():
        if kind.owned_through:
            link = and_(REFERENCE.c.key == RESOURCE.c.key, REFERENCE.c.param == kind.owned_through)
            found = and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
            patient = (
                select(func.min(target.c.patient)).select_from(REFERENCE).join(target, found).where(link)
            )
            mine = RESOURCE.c.type == kind.name
            db.execute(update(RESOURCE).where(mine).values(patient=patient.scalar_subquery()))
