"""The ledger: everything that changes while a payer runs, keyed by tenant.

All times are milliseconds since 1970, UTC, by the tenant's clock.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, String, Table, delete, event, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from sandbox.core.errors import FileProblem
from sandbox.store import address
from sandbox.store.driver import Driver
from sandbox.store.secret import digest
from sandbox.store.tenant.armed import Accidents
from sandbox.store.tenant.arrival import Arrivals
from sandbox.store.tenant.client import Clients
from sandbox.store.tenant.clock import Clocks
from sandbox.store.tenant.counter import Counters
from sandbox.store.tenant.journal import JOURNAL, Journals
from sandbox.store.tenant.key import Keys
from sandbox.store.tenant.part import META, upsert
from sandbox.store.tenant.pin import Origin, Pins
from sandbox.store.tenant.signin import SignIns
from sandbox.store.tenant.standing import Standings

KEY = Table("key", META, Column("name", String, primary_key=True), Column("value", String, nullable=False))

_PER_TENANT = tuple(table for table in META.sorted_tables if "tenant" in table.c)


class TenantLedger(Arrivals, Clocks, Counters, Standings, SignIns, Clients, Keys, Pins, Accidents, Journals):
    """One tenant's part of the ledger, whole."""

    def reset(self) -> None:
        """Forget everything of this tenant, its clock included."""
        with self._write() as db:
            for table in _PER_TENANT:
                db.execute(delete(table).where(table.c.tenant == self.name))


ORIGINS_KEPT = 4096
"""Tokens whose origin is remembered by a process."""


class Ledger:
    """The whole ledger, in a file or in a schema of a database; `tenant(name)` is the part that request
    handlers hold. Raises FileProblem."""

    def __init__(self, place: str | Path):
        try:
            if not (isinstance(place, str) and address.is_url(place)):
                Path(place).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(place)
            with self._engine.begin() as db:
                if db.dialect.name == "postgresql":
                    schema = address.schema_of(str(place))
                    # "if not exists" is no answer to two workers that come at the same time
                    db.execute(select(func.pg_advisory_xact_lock(func.hashtext(schema))))
                    db.execute(CreateSchema(schema, if_not_exists=True))
                for table in META.sorted_tables:  # two workers may come first at the same time
                    db.execute(CreateTable(table, if_not_exists=True))
                    known = {column["name"] for column in inspect(db).get_columns(table.name)}
                    for column in table.columns:  # a ledger that an older version has kept
                        if column.name not in known:
                            kind = column.type.compile(self._engine.dialect)
                            db.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}'))
                    for index in table.indexes:
                        db.execute(CreateIndex(index, if_not_exists=True))
        except (OSError, DBAPIError) as problem:
            why = f"{address.shown(place)}: cannot be opened ({problem})"
            raise FileProblem(why.splitlines()[0]) from None
        self._driver = Driver(self._engine)
        self._origins = lru_cache(ORIGINS_KEPT)(self._origin_of)

    def tenant(self, name: str, pin: str = "") -> TenantLedger:
        return TenantLedger(self._engine, self._driver, name, pin)

    def payers_of(self, session: str) -> list[str]:
        """The tenants of a session that have a journal, whatever their scenarios."""
        name = JOURNAL.c.tenant
        with self._engine.connect() as db:
            found = db.execute(select(name).where(name.endswith(f"~{session}", autoescape=True)).distinct())
            return sorted(found.scalars())

    def origin_of(self, tenant: str, token: str) -> Origin | None:
        """Under which selection a token was granted. It never changes, so it is kept."""
        return self._origins(tenant, digest(token))

    def _origin_of(self, tenant: str, hash: str) -> Origin | None:
        return self.tenant(tenant).origin(token=hash)

    def clear(self) -> None:
        """Empty every tenant. Keys stay, so that restarts do not invalidate signatures."""
        with self._engine.begin() as db:
            for table in _PER_TENANT:
                db.execute(delete(table))

    def key(self, name: str, make: Any) -> str:
        """A secret shared by all workers: made once, by whoever comes first."""
        query = select(KEY.c.value).where(KEY.c.name == name)
        with self._engine.begin() as db:
            found = db.execute(query).scalar()
        if found is not None:
            return str(found)
        made = make()
        with self._engine.begin() as db:
            db.execute(
                upsert(self._engine.dialect.name, KEY).values(name=name, value=made).on_conflict_do_nothing()
            )
            return str(db.execute(query).scalar_one())

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are the parent's."""
        self._driver.forget()
        self._engine.dispose(close=False)

    def close(self) -> None:
        self._driver.close()
        self._engine.dispose()


def _engine(place: str | Path) -> Engine:
    engine = address.writing(place)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def pragmas(connection: Any, record: Any) -> None:
            # A sandbox may lose its last second in a power cut; it may not be slow.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")

    return engine
