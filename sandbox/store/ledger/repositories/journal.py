"""The journal: every exchange, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, insert, select

from sandbox.core.errors import Unavailable
from sandbox.core.files import json_bytes, json_value
from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import META, Part

JOURNAL = Table(
    "journal",
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("entry", String, nullable=False),
    Index("journal_tenant", "tenant", "number"),
    sqlite_autoincrement=True,  # whoever follows the journal is never shown a number twice
)

_NOTE = insert(JOURNAL).values(tenant=bind("tenant"), entry=bind("entry"))


ENTRY = 3072
"""Bytes of an entry. What is longer gets its texts cut, the less the better."""

_WHOLE = ("at", "request")
"""What is never cut."""


def _text(entry: Mapping[str, Any]) -> str:
    body = json_bytes(entry)
    for most in (1000, 300, 100, 30, 10):
        if len(body) <= ENTRY:
            break
        body = json_bytes({k: v if k in _WHOLE else _cut(v, most) for k, v in entry.items()})
    return body.decode()


def _cut(value: Any, most: int) -> Any:
    """A value whose texts have at most so many characters, and whose lists as many items."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, Mapping):
        return {name: _cut(item, most) for name, item in value.items()}
    return [_cut(item, most) for item in value[:most]] if isinstance(value, list) else value


class Journals(Part):
    """A tenant's journal."""

    def note(self, entry: Mapping[str, Any]) -> None:
        """Write an exchange down. A journal that cannot be written fails nobody: the entry is lost, and
        counted."""
        if self._upkeep.is_paused():
            return
        try:
            self._driver.run(_NOTE, tenant=self.name, entry=_text(entry))
        except Unavailable:
            self._upkeep.fail()
        else:
            self._upkeep.succeed(self.name)

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
        entries: list[dict[str, Any]] = []
        with self._engine.connect() as db:
            for number, entry in db.execute(query).yield_per(200):
                numbered = {"number": number, **json_value(entry)}
                if wanted(numbered):
                    entries.append(numbered)
                    if len(entries) == limit:
                        break
        return entries if oldest else entries[::-1]

    def last_number(self) -> int:
        """The number of the tenant's latest exchange; 0 when there is none."""
        query = select(JOURNAL.c.number).where(JOURNAL.c.tenant == self.name)
        with self._engine.connect() as db:
            return db.execute(query.order_by(JOURNAL.c.number.desc()).limit(1)).scalar() or 0
