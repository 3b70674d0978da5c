"""Work that must happen: each piece is a row that a worker claims with a lease, in one statement.

A worker that dies leaves its lease to run out, and another one takes the work. So a piece of work may be done
twice: whoever does it makes sure that this changes nothing. Times are milliseconds by the server's clock, as
payers' clocks stand still or jump; machines that share a ledger differ by less than a lease.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Executable,
    Index,
    Integer,
    String,
    Table,
    delete,
    null,
    select,
    update,
)

from sandbox.core.files import json_value
from sandbox.store.driver import Driver, bind
from sandbox.store.ledger.repositories.repository import META, Part, encode_parameters, written
from sandbox.store.secret import new_secret

WORK = Table(
    "work",
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("parameters", String, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("lease", String),  # who has it; null: nobody
    Column("attempts", Integer, nullable=False),
    written(),
    Index("work_name", "tenant", "kind", "name", unique=True),
    Index("work_due", "kind", "due"),
    sqlite_autoincrement=True,
)

ATTEMPTS_MAX = 8
"""How often work is tried; then it stays undone until it is old."""


@dataclass(frozen=True)
class ClaimedWork:
    """A piece of work and its lease. `attempts` counts this one, `name` tells it from others of its kind."""

    number: int
    tenant: str
    kind: str
    name: str
    parameters: Mapping[str, Any]
    lease: str
    attempts: int


class TenantWork(Part):
    def add(self, kind: str, name: str, parameters: Mapping[str, Any], due: int = 0) -> bool:
        """Have something done from `due` on (0: now). False if there is work of this name already.

        Raises TooLarge for parameters that are too long.
        """
        text = encode_parameters(parameters, "work")
        row = self._upsert(WORK).values(
            kind=kind, name=name, parameters=text, due=due or self._upkeep.now(), attempts=0
        )
        with self._write() as db:
            return db.execute(row.on_conflict_do_nothing().returning(WORK.c.number)).first() is not None

    def waiting(self, kind: str) -> list[str]:
        """The names of the work of a kind that is not done yet, the first due first."""
        query = select(WORK.c.name).where(*self._where(WORK, kind=kind)).order_by(WORK.c.due, WORK.c.number)
        with self._engine.connect() as db:
            return list(db.execute(query).scalars())


@lru_cache
def _claiming() -> Executable:
    """`due` is also when a lease runs out: what is claimed is due again then."""
    ready = (
        select(WORK.c.number)
        .where(
            WORK.c.kind.in_(bind("kinds", many=True)),
            WORK.c.due <= bind("now"),
            WORK.c.attempts < ATTEMPTS_MAX,
        )
        .order_by(WORK.c.due, WORK.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)  # PostgreSQL: two workers look at different rows
        .scalar_subquery()
    )
    columns = [WORK.c[n] for n in ("number", "tenant", "kind", "name", "parameters", "lease", "attempts")]
    return (
        update(WORK)
        .where(WORK.c.number == ready)
        .values(lease=bind("mark"), due=bind("until"), attempts=WORK.c.attempts + 1)
        .returning(*columns)
    )


_HELD = (WORK.c.number == bind("key"), WORK.c.lease == bind("mark"))
_FINISH = delete(WORK).where(*_HELD)
_RETRY = update(WORK).where(*_HELD).values(lease=null(), due=bind("again"))
_EXTEND = update(WORK).where(*_HELD).values(due=bind("again"))


class WorkQueue:
    """The work of all tenants, for the workers that do it."""

    def __init__(self, driver: Driver, now: Callable[[], int]):
        self._driver, self._now = driver, now

    def claim(self, kinds: Sequence[str], lease: int) -> ClaimedWork | None:
        """Take the first work of these kinds that is due; nobody else gets it for `lease` ms."""
        now = self._now()
        rows = self._driver.rows(
            _claiming(), kinds=list(kinds), now=now, until=now + lease, mark=new_secret(12)
        )
        for number, tenant, kind, name, parameters, mark, attempts in rows:
            return ClaimedWork(number, tenant, kind, name, json_value(parameters), mark, attempts)
        return None

    def finish(self, work: ClaimedWork) -> bool:
        """The work is done. False if the lease ran out and somebody else has it."""
        return self._driver.changed(_FINISH, key=work.number, mark=work.lease) == 1

    def retry(self, work: ClaimedWork, delay: int) -> bool:
        """The work failed: let it be due again in `delay` ms. False as in `finish`."""
        again = self._now() + delay
        return self._driver.changed(_RETRY, key=work.number, mark=work.lease, again=again) == 1

    def extend(self, work: ClaimedWork, lease: int) -> bool:
        """Keep the work for `lease` ms from now. False as in `finish`."""
        again = self._now() + lease
        return self._driver.changed(_EXTEND, key=work.number, mark=work.lease, again=again) == 1
