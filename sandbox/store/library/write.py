"""How a library is made: resources become rows, rows a file, whole or not at all.

A resource may come in several versions. Each is in force from its `lastUpdated` until the next one's,
so the tenant's clock decides what is seen: a claim that is not visible yet, its first version, or the
one after it was replaced. A deletion ends the version that is in force then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, case, func, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateSchema, CreateTable, DropSchema

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, make_private_folder
from sandbox.core.members import Account
from sandbox.core.part_file import part_file
from sandbox.fhir import dates
from sandbox.fhir.schema.types import OTHERS, TYPES
from sandbox.store import address
from sandbox.store.library.households import Clue, links
from sandbox.store.library.packing import SAMPLE, Packing, trained
from sandbox.store.library.rows import Batch, Deletion, Given, indexed
from sandbox.store.library.schema import (
    ABOUT,
    ACCOUNT,
    DICTIONARY,
    HOUSEHOLD,
    META,
    OTHER_TYPES,
    PROFILES,
    REFERENCE,
    RESOURCE,
    STRING,
    VIEWED,
)
from sandbox.store.library.traits import Sharing

About = Callable[[], Iterable[tuple[str, bytes]]]
"""More rows of `about`, asked for when the contents are written."""


def build(
    place: str | Path, contents: Iterable[tuple[Account | None, Iterable[Given]]], about: About = tuple
) -> int:
    """Write a library of these members, whole or not at all, to a file or to a schema of a database
    (its address). Returns the resource count."""
    return write(place, (indexed(account, resources) for account, resources in contents), about)


def write(place: str | Path, batches: Iterable[Batch], about: About = tuple) -> int:
    """The same of rows that are made already. Raises FileProblem."""
    if isinstance(place, str) and address.is_url(place):
        return _write_schema(place, batches, about)
    return _write_file(Path(place), batches, about)


def _write_file(path: Path, batches: Iterable[Batch], about: About) -> int:
    try:
        make_private_folder(path.parent)
        with part_file(path) as part:
            engine = address.making(part)
            try:
                with engine.connect() as db:
                    # nothing is read from this file before it is whole, so nothing needs to be taken back
                    db.exec_driver_sql("PRAGMA journal_mode = OFF")
                    db.exec_driver_sql("PRAGMA synchronous = OFF")
                    db.exec_driver_sql("PRAGMA cache_size = -65536")  # KB: indexes are sorted in that much
                    count = _written(db, batches, about)
                    db.commit()
            finally:
                engine.dispose()
    except (OSError, OperationalError) as problem:
        raise FileProblem(f"{path}: cannot be written ({problem})".splitlines()[0]) from None
    return count


def _write_schema(place: str, batches: Iterable[Batch], about: About) -> int:
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
            return _written(db, batches, about)
    except (DBAPIError, driver.Error) as problem:
        why = str(getattr(problem, "orig", problem)).splitlines()[0]
        raise FileProblem(f"{address.shown(place)}: cannot be written ({why})") from None
    finally:
        engine.dispose()


def _written(db: Connection, batches: Iterable[Batch], about: About) -> int:
    """Every table of a library, in an empty place."""
    create_tables(db)
    count, deletions = _fill(db, iter(batches))
    _insert(db, ABOUT, list(about()))
    indexes = [index for table in META.sorted_tables for index in table.indexes]
    first, *others = sorted(indexes, key=lambda i: (i.name != "resource_id", str(i.name)))
    first.create(db)  # at the end, since to keep them sorted is slow
    _close_versions(db)
    _delete(db, deletions)
    _find_owners(db)
    held = [kind for (kind,) in db.execute(select(RESOURCE.c.type).distinct()) if kind in OTHERS]
    if held:
        _insert(db, ABOUT, [(OTHER_TYPES, json_bytes(sorted(held)))])
    for index in others:
        index.create(db)
    db.execute(text("ANALYZE"))
    return count


def create_tables(db: Connection) -> None:
    """The tables and views of a library, without their indexes."""
    for table in META.sorted_tables:
        db.execute(CreateTable(table))
    for name, seen in VIEWED.items():
        db.execute(text(f"CREATE VIEW {name} AS {seen}"))


def _fill(db: Connection, batches: Iterator[Batch]) -> tuple[int, list[Deletion]]:
    first = _sample(batches)
    packing = trained([row[-1] for batch in first for row in batch.resources])
    _insert(db, ABOUT, [(DICTIONARY, packing.dictionary)])
    sharing = Sharing()
    shared: list[Batch] = []
    clues: list[Clue] = []
    profiles: set[tuple[str, str]] = set()
    deletions: list[Deletion] = []
    logins = count = 0
    for batch in chain(first, batches):
        if batch.account:
            logins += 1
            _insert(db, ACCOUNT, [(logins, *batch.account)])
        profiles |= batch.profiles
        if batch.shared:
            shared.append(batch.shared)
            profiles |= batch.shared.profiles
        clues += batch.clues
        deletions += batch.deletions
        count = put_batch(db, packing, sharing, count, batch)
    _insert(db, HOUSEHOLD, [(number, *link) for number, link in enumerate(links(clues), 1)])
    for batch in shared:
        count = put_batch(db, packing, sharing, count, batch)
    _insert(db, ABOUT, [(PROFILES, json_bytes(sorted(profiles)))])
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


def put_batch(db: Connection, packing: Packing, sharing: Sharing, before: int, batch: Batch) -> int:
    """Write the rows of a batch, with keys after `before`. Returns how many resources there are now."""
    sets = [sharing.set(traits) for traits in batch.sets]
    spans = [sharing.spans(traits) for traits in batch.spans]
    sharing.hold((before + number, *trait) for number, *trait in batch.own)
    kept = [
        (before + number, *columns, sets[tokens], sets[refers], spans[periods], packing.pack(body))
        for number, *columns, tokens, refers, periods, body in batch.resources
    ]
    _insert(db, RESOURCE, kept)
    _insert(db, STRING, [(before + number, *row) for number, *row in batch.strings])
    for name, rows in sharing.fresh.items():
        _insert(db, META.tables[name], rows)
        rows.clear()
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
    """A version is in force until the next one of the same resource. Those of one batch are closed; if
    more than one is in force for ever, they came in several."""
    name = (RESOURCE.c.type, RESOURCE.c.id)
    several = select(*name).group_by(*name).having(func.count() > 1)
    open_ended = func.sum(case((RESOURCE.c.until == dates.FOREVER, 1), else_=0))
    together = select(*name).where(tuple_(*name).in_(several)).group_by(*name).having(open_ended > 1)
    later = RESOURCE.alias("later")
    same = and_(later.c.type == RESOURCE.c.type, later.c.id == RESOURCE.c.id)
    following = select(func.min(later.c.updated)).where(same, later.c.updated > RESOURCE.c.updated)
    until = func.coalesce(following.scalar_subquery(), dates.FOREVER)
    for kind, id in db.execute(together).all():
        db.execute(update(RESOURCE).where(name[0] == kind, name[1] == id).values(until=until))


def _delete(db: Connection, deletions: Iterable[Deletion]) -> None:
    for kind, id, at in deletions:
        ended = and_(
            RESOURCE.c.type == kind, RESOURCE.c.id == id, RESOURCE.c.updated <= at, RESOURCE.c.until > at
        )
        db.execute(update(RESOURCE).where(ended).values(until=at))


def _find_owners(db: Connection) -> None:
    """Give resources that do not name their patient the one patient of what they point to.

    Those whose batch held all of that have it already.
    """
    target = RESOURCE.alias("target")
    for kind in TYPES.values():
        if kind.owned_through:
            link = and_(REFERENCE.c.key == RESOURCE.c.key, REFERENCE.c.param == kind.owned_through)
            same_name = and_(target.c.type == REFERENCE.c.target_type, target.c.id == REFERENCE.c.target_id)
            alone = case((func.count(target.c.patient.distinct()) == 1, func.min(target.c.patient)))
            patient = select(alone).select_from(REFERENCE).join(target, same_name).where(link)
            mine = (RESOURCE.c.type == kind.name, RESOURCE.c.patient.is_(None))
            db.execute(update(RESOURCE).where(*mine).values(patient=patient.scalar_subquery()))
