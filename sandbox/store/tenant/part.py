"""What every part of a tenant's ledger is made of: a table with a tenant in it, and the usual statements."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Column, Connection, Engine, Index, MetaData, String, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sandbox.store.driver import Driver

META = MetaData()
"""All tables of the ledger."""


def table(name: str, *columns: Column[Any] | Index) -> Table:
    """A table that every tenant has rows of its own in."""
    return Table(name, META, Column("tenant", String, primary_key=True), *columns)


def columns(table: Table, shape: type[Any]) -> list[Column[Any]]:
    """The columns of a table that a dataclass has, in its order."""
    return [table.c[name] for name in shape.__dataclass_fields__]


def upsert(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what happens if the row is there: each database has its own."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)


class Part:
    """One tenant's rows. What is granted through it is pinned to the selection `pin` (empty: to none)."""

    def __init__(self, engine: Engine, driver: Driver, name: str, pin: str = ""):
        self._engine = engine
        self._driver = driver
        self.name = name
        self.pin = pin

    def _write(self) -> AbstractContextManager[Connection]:
        # Each write begins with its writing statement: a reader that turns writer would be told
        # "busy" at once, a writer waits its turn.
        return self._engine.begin()

    def _upsert(self, table: Table) -> Any:
        return upsert(self._engine, table)

    def _where(self, table: Table, **same: Any) -> list[Any]:
        return [table.c.tenant == self.name, *(table.c[k] == v for k, v in same.items())]

    def _one(self, table: Table, shape: type[Any], **same: Any) -> Any:
        with self._engine.connect() as db:
            row = db.execute(select(*columns(table, shape)).where(*self._where(table, **same))).first()
        return shape(*row) if row else None

    def _add(self, table: Table, values: Mapping[str, Any]) -> None:
        with self._write() as db:
            db.execute(insert(table), {"tenant": self.name, **values})

    def _take(self, table: Table, conditions: list[Any], changes: Mapping[str, Any]) -> bool:
        with self._write() as db:
            return db.execute(update(table).where(*conditions).values(**changes)).rowcount == 1
