"""The journal: every exchange, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, insert, select

from sandbox.core.files import json_bytes, json_value
from sandbox.store.driver import given
from sandbox.store.tenant.part import META, Part

JOURNAL = Table(
    "journal",
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("entry", String, nullable=False),
    Index("journal_tenant", "tenant", "number"),
    sqlite_autoincrement=True,  # whoever follows the journal is never shown a number twice
)

_NOTE = insert(JOURNAL).values(tenant=given("tenant"), entry=given("entry"))


class Journals(Part):
    """A tenant's journal."""

    def note(self, entry: Mapping[str, Any]) -> None:
        self._driver.run(_NOTE, tenant=self.name, entry=json_bytes(entry).decode())

    def journal(
        self,
        limit: int = 100,
        after: int = 0,
        wanted: Callable[[dict[str, Any]], bool] = lambda entry: True,
        *,
        oldest: bool = False,
    ) -> list[dict[str, Any]]:
        """The latest exchanges that are wanted (or the first after a number), oldest first. A limit of
        0 is none."""
        order = JOURNAL.c.number.asc() if oldest else JOURNAL.c.number.desc()
        query = (
            select(JOURNAL.c.number, JOURNAL.c.entry)
            .where(JOURNAL.c.tenant == self.name, JOURNAL.c.number > after)
            .order_by(order)
        )
        found: list[dict[str, Any]] = []
        with self._engine.connect() as db:
            for number, entry in db.execute(query).yield_per(200):
                told = {"number": number, **json_value(entry)}
                if wanted(told):
                    found.append(told)
                    if len(found) == limit:
                        break
        return found if oldest else found[::-1]

    def last_number(self) -> int:
        """The number of the tenant's latest exchange; 0 when there is none."""
        query = select(JOURNAL.c.number).where(JOURNAL.c.tenant == self.name)
        with self._engine.connect() as db:
            return db.execute(query.order_by(JOURNAL.c.number.desc()).limit(1)).scalar() or 0
