"""The clock of a tenant: how far it is ahead of the machine's."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, exists, select

from sandbox.store.driver import given
from sandbox.store.ledger.repositories.armed_faults import ARMED
from sandbox.store.ledger.repositories.repository import Part, table

CLOCK = table("clock", Column("offset", BigInteger, nullable=False))

_OFFSET = select(CLOCK.c.offset).where(CLOCK.c.tenant == given("tenant"))
STATE = (
    select(CLOCK.c.offset).where(CLOCK.c.tenant == given("tenant")).scalar_subquery(),
    exists().where(ARMED.c.tenant == given("tenant"), ARMED.c.left > 0),
)
"""What every request asks first: the clock's offset, and whether any accident is armed."""
_STATE = select(*STATE)


class Clocks(Part):
    """A tenant's clock."""

    def offset(self) -> int:
        """Milliseconds this tenant's clock is ahead of the machine's."""
        found = self._driver.rows(_OFFSET, tenant=self.name)
        return int(found[0][0]) if found else 0

    def state(self) -> tuple[int, bool]:
        """(the clock's offset in milliseconds, whether any accident is armed), in one look."""
        offset, waiting = self._driver.rows(_STATE, tenant=self.name)[0]
        return int(offset or 0), bool(waiting)

    def move_clock(self, offset: int) -> None:
        row = self._upsert(CLOCK).values(offset=offset)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant"], set_={"offset": offset}))
