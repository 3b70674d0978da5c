"""The journal: an entry of every exchange, in order, and records of some exchanges.

A record is the request and the response, with their secrets masked. While an operator watches a payer, every
exchange gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Executable,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
)

from sandbox.core.cache import ByteBoundedCache
from sandbox.core.errors import Unavailable
from sandbox.core.files import json_bytes, json_value
from sandbox.store.driver import Driver, bind
from sandbox.store.ledger.repositories.repository import META, Part, table, upsert

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


NUMBER_MAX = (1 << 31) - 1
"""The largest number of an entry: PostgreSQL refuses to compare the column with a larger one."""

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
            .where(JOURNAL.c.tenant == self.name, JOURNAL.c.number > min(after, NUMBER_MAX))
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


EXCHANGE = table(
    "exchange",
    Column("id", String, primary_key=True),  # the request id in the journal
    Column("content", LargeBinary, nullable=False),
)
WATCH = table("watch", Column("until", BigInteger, nullable=False))

WATCH_SECONDS = 30
"""How long a payer counts as watched after the console's last request."""

CONTENT_BYTES_MAX = 65_536
"""Bytes of a record at most."""

_CHECK_EVERY = 1000
"""Milliseconds for which a process remembers whether a payer is watched."""
_REMEMBERED = 256 << 10
"""Bytes of payers for which it does."""

_UNTIL = select(WATCH.c.until).where(WATCH.c.tenant == bind("tenant"))


class ExchangeRecords(Part):
    """A tenant's records."""

    def keep(self, id: str, content: bytes) -> None:
        """Keep the record of an exchange. One that is too long or cannot be written is lost."""
        if len(content) > CONTENT_BYTES_MAX or self._upkeep.failing:
            return
        try:
            self._add(EXCHANGE, {"id": id, "content": content})
        except Unavailable:
            self._upkeep.fail()

    def get(self, id: str) -> bytes | None:
        """Return the record of an exchange, if there is one."""
        for (content,) in self._known(EXCHANGE, "content", id=id):
            return bytes(content)
        return None


class Watches:
    """Which payers an operator watches. `now` is the server's clock (ms)."""

    def __init__(self, driver: Driver, dialect: str, now: Callable[[], int]):
        self._driver, self._dialect, self._now = driver, dialect, now
        self._checked: ByteBoundedCache[str, tuple[int, bool]] = ByteBoundedCache(_REMEMBERED)

    def watch(self, tenant: str) -> None:
        """Watch a payer for the next `WATCH_SECONDS`."""
        now = self._now()
        self._driver.run(_watching(self._dialect), tenant=tenant, now=now, until=now + WATCH_SECONDS * 1000)
        self._checked.keep(tenant, (now, True))

    def is_watched(self, tenant: str) -> bool:
        """Return whether somebody watches a payer, or did a second ago."""
        now = self._now()
        checked = self._checked.get(tenant)
        if checked is None or not checked[0] <= now < checked[0] + _CHECK_EVERY:
            rows = self._driver.rows(_UNTIL, tenant=tenant)
            checked = now, bool(rows) and int(rows[0][0]) > now
            self._checked.keep(tenant, checked)
        return checked[1]


@lru_cache
def _watching(dialect: str) -> Executable:
    row = upsert(dialect, WATCH).values(tenant=bind("tenant"), until=bind("until"), written=bind("now"))
    return row.on_conflict_do_update(index_elements=["tenant"], set_={"until": bind("until")})
