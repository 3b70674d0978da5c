"""What every part of a tenant's ledger is made of: a table with a tenant in it, and the usual statements.

`written` is when a row was written, in milliseconds by the server's clock, which nobody can move.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Index,
    MetaData,
    String,
    Table,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sandbox.core.errors import TooLarge
from sandbox.core.files import json_bytes
from sandbox.store.driver import Driver, Step, bind
from sandbox.store.ledger.maintenance import Upkeep

R = TypeVar("R")

META = MetaData()
"""All tables of the ledger."""


def table(name: str, *columns: Column[Any] | Index) -> Table:
    """A table that every tenant has rows of its own in."""
    return Table(name, META, Column("tenant", String, primary_key=True), *columns, written())


def written() -> Column[int]:
    """The column that says when a row was written (null: before there was one)."""
    return Column("written", BigInteger)


def columns(table: Table, shape: type[Any]) -> list[Column[Any]]:
    """The columns of a table that a dataclass has, in its order."""
    return [table.c[name] for name in shape.__dataclass_fields__]


PARAMETERS_MAX = 16_384
"""Bytes of the parameters of a job, or of a piece of work."""


def encode_parameters(parameters: Mapping[str, Any], owner: str) -> str:
    """Parameters as JSON, for a column. `owner` is whose they are, for the error. Raises TooLarge."""
    body = json_bytes(parameters)
    if len(body) > PARAMETERS_MAX:
        text = f"The parameters of {owner} may have at most {PARAMETERS_MAX} bytes."
        raise TooLarge(text, cause="parameters-too-large")
    return body.decode()


def upsert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what happens if the row is there: each database has its own."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


class Part:
    """One tenant's rows. What is granted through it is pinned to the selection `pin` (empty: to none);
    where there is no pin, `terms` is the selection that a header chose for it (empty: none did)."""

    def __init__(self, engine: Engine, driver: Driver, upkeep: Upkeep, name: str, pin: str = ""):
        self._engine = engine
        self._driver = driver
        self._upkeep = upkeep
        self.name = name
        self.pin = pin
        self.terms = ""

    def _write(self) -> AbstractContextManager[Connection]:
        # Each write begins with its writing statement: a reader that turns writer would be told
        # "busy" at once, a writer waits its turn.
        return self._engine.begin()

    def _upsert(self, table: Table) -> Any:
        """An insert for this tenant that was written now; more values may be added."""
        return upsert(self._dialect, table).values(tenant=self.name, written=self._upkeep.now())

    @property
    def _dialect(self) -> str:
        return self._engine.dialect.name

    def _where(self, table: Table, **same: Any) -> list[Any]:
        return [table.c.tenant == self.name, *(table.c[k] == v for k, v in same.items())]

    def _one(self, table: Table, shape: type[R], **same: Any) -> R | None:
        names = tuple(shape.__dataclass_fields__)  # type: ignore[attr-defined]  # every shape is a dataclass
        for row in self._rows(_asking(table, names, tuple(same)), **same):
            return shape(*row)
        return None

    def _known(self, table: Table, *names: str, **same: Any) -> list[Any]:
        """These columns of the rows that have these values."""
        return self._rows(_asking(table, names, tuple(same)), **same)

    def _add(self, table: Table, values: Mapping[str, Any]) -> None:
        stamp = self._upkeep.now()
        self._driver.run(_adding(table, tuple(values)), tenant=self.name, written=stamp, **values)

    def _adding(self, table: Table, values: Mapping[str, Any]) -> Step:
        """The step that adds a row."""
        return _adding(table, tuple(values)), {"tenant": self.name, "written": self._upkeep.now(), **values}

    def _rows(self, statement: Executable, **values: Any) -> list[Any]:
        return self._driver.rows(statement, tenant=self.name, **values)

    def _took(self, statement: Executable, **values: Any) -> bool:
        """Whether a statement of `changing` has found its row: True for exactly one caller."""
        return self._driver.changed(statement, tenant=self.name, **values) == 1


def changing(table: Table, key: str, *also: ColumnElement[bool], **changes: Any) -> Executable:
    """The statement that changes a row, named by one of its columns (`key`), where that still holds."""
    mine = table.c.tenant == bind("tenant"), table.c[key] == bind("key")
    return update(table).where(*mine, *also).values(**changes)


@lru_cache
def _asking(table: Table, names: tuple[str, ...], same: tuple[str, ...]) -> Executable:
    mine = [table.c[name] == bind(name) for name in ("tenant", *same)]
    return select(*(table.c[name] for name in names)).where(*mine)


@lru_cache
def _adding(table: Table, names: tuple[str, ...]) -> Executable:
    return insert(table).values({name: bind(name) for name in ("tenant", "written", *names)})
