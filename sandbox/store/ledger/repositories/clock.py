"""What the operator sets for a tenant: its clock, and scenarios at any address."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, delete, select

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, table

CLOCK = table("clock", Column("offset", BigInteger, nullable=False))

OFFSET = select(CLOCK.c.offset).where(CLOCK.c.tenant == bind("tenant"))


class Clocks(Part):
    def offset(self) -> int:
        """Milliseconds this tenant's clock is ahead of the machine's."""
        rows = self._driver.rows(OFFSET, tenant=self.name)
        return int(rows[0][0]) if rows else 0

    def move_clock(self, offset: int) -> None:
        row = self._upsert(CLOCK).values(offset=offset)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant"], set_={"offset": offset}))


SWITCHED = table("switched", Column("selection", String, nullable=False))

SELECTION = select(SWITCHED.c.selection).where(SWITCHED.c.tenant == bind("tenant")).scalar_subquery()


class Switches(Part):
    """A tenant's switched scenarios, as a selection."""

    def switch(self, selection: str) -> None:
        """Put a selection in force for the tenant; an empty one ends the one before."""
        with self._write() as db:
            db.execute(delete(SWITCHED).where(*self._where(SWITCHED)))
            if selection:
                db.execute(self._upsert(SWITCHED).values(selection=selection))
