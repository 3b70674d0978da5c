"""Writing a library: all of it or nothing, with every version closed and every owner found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, and_, create_engine, exists, func, insert, select, text, update
from sqlalchemy.exc import OperationalError

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes
from sandbox.core.roster import Account
from sandbox.fhir import dates
from sandbox.fhir.params import SHARED, TYPES, care_range, extract, owner
from sandbox.store.schema import ACCOUNT, META, REFERENCE, RESOURCE, ROWS


def build(path: Path, contents: Iterable[tuple[Account | None, Sequence[dict[str, Any]]]]) -> int:
    """Write a library of these members to `path`, whole or not at all. Returns the resource count.

    Shared resources are put last, so that `$everything` and paging start with the patient.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    engine = create_engine(URL.create("sqlite", database=str(part)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with engine.begin() as db:
            META.create_all(db)
            count = _fill(db, contents)
            _close_versions(db)
            _find_owners(db)
            db.execute(text("ANALYZE"))
        engine.dispose()
        part.replace(path)
    except (OSError, OperationalError) as problem:
        raise FileProblem(f"{path}: cannot be written ({problem})".splitlines()[0]) from None
    finally:
        engine.dispose()
        with suppress(OSError):
            part.unlink()
    return count


def _fill(db: Connection, contents: Iterable[tuple[Account | None, Sequence[dict[str, Any]]]]) -> int:
    shared: list[dict[str, Any]] = []
    key = 0
    for account, resources in contents:
        if account:
            db.execute(insert(ACCOUNT), {"username": account.username, "body": json_bytes(account.to_json())})
        own = [r for r in resources if r["resourceType"] not in SHARED]
        shared += [r for r in resources if r["resourceType"] in SHARED]
        key = _write(db, key, own)
    return _write(db, key, shared)


def _close_versions(db: Connection) -> None:
    """A version is in force until the next one of the same resource."""
    later = RESOURCE.alias("later")
    same = and_(later.c.type == RESOURCE.c.type, later.c.id == RESOURCE.c.id)
    following = select(func.min(later.c.updated)).where(same, later.c.updated > RESOURCE.c.updated)
    replaced = exists().where(same, later.c.updated > RESOURCE.c.updated)
    db.execute(update(RESOURCE).where(replaced).values(until=following.scalar_subquery()))


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


def _write(db: Connection, key: int, resources: Sequence[dict[str, Any]]) -> int:
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ROWS}
    stored = []
    for resource in resources:
        key += 1
        care = care_range(resource)
        meta = resource.get("meta", {})
        stored.append(
            {
                "key": key,
                "type": resource["resourceType"],
                "id": resource["id"],
                "patient": owner(resource),
                "version": str(meta.get("versionId", "1")),
                "updated": dates.parse(meta.get("lastUpdated", "1970-01-01"))[0],
                "care_low": care[0] if care else None,
                "care_high": care[1] if care else None,
                "body": json_bytes(resource),
            }
        )
        for row in extract(resource):
            _, _, a, b = ROWS[row.kind].columns
            rows[row.kind].append({"key": key, "param": row.param, a.name: row.a, b.name: row.b})
    if stored:
        db.execute(insert(RESOURCE), stored)
    for kind, found in rows.items():
        if found:
            db.execute(insert(ROWS[kind]), found)
    return key
