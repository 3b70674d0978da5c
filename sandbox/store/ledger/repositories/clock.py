"""The clock of a tenant: how far it is ahead of the machine's."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, select

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, table

CLOCK = table("clock", Column("offset", BigInteger, nullable=False))

OFFSET = select(CLOCK.c.offset).where(CLOCK.c.tenant == bind("tenant"))


class Clocks(Part):
    """A tenant's clock."""

    def offset(self) -> int:
        """Milliseconds this tenant's clock is ahead of the machine's."""
        rows = self._driver.rows(OFFSET, tenant=self.name)
        return int(rows[0][0]) if rows else 0

    def move_clock(self, offset: int) -> None:
        row = self._upsert(CLOCK).values(offset=offset)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant"], set_={"offset": offset}))
