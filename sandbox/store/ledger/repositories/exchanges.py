"""Records of exchanges for the operator: requests and responses with their secrets masked.

The journal keeps an entry of every exchange; only some exchanges have a record. While an operator watches a
payer, every exchange gets one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlalchemy import BigInteger, Column, Executable, LargeBinary, String, select

from sandbox.core.cache import ByteBoundedCache
from sandbox.core.errors import Unavailable
from sandbox.store.driver import Driver, bind
from sandbox.store.ledger.repositories.repository import Part, table, upsert

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
