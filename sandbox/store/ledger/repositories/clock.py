"""The clock of a tenant: how far it is ahead of the machine's."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, exists, select

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.armed_faults import ARMED
from sandbox.store.ledger.repositories.repository import Part, table
from sandbox.store.ledger.repositories.written import REVISION

CLOCK = table("clock", Column("offset", BigInteger, nullable=False))

_OFFSET = select(CLOCK.c.offset).where(CLOCK.c.tenant == bind("tenant"))
STATE = (
    select(CLOCK.c.offset).where(CLOCK.c.tenant == bind("tenant")).scalar_subquery(),
    exists().where(ARMED.c.tenant == bind("tenant"), ARMED.c.left > 0),
    REVISION,
)
"""The columns of `TenantState`, which every request reads first."""
_STATE = select(*STATE)


class TenantState(NamedTuple):
    """How far the tenant's clock is ahead of the machine's (ms), whether any fault is armed, and the
    revision of what the tenant's clients have written (None: nothing)."""

    offset: int
    armed: bool
    revision: int | None


class Clocks(Part):
    """A tenant's clock."""

    def offset(self) -> int:
        """Milliseconds this tenant's clock is ahead of the machine's."""
        rows = self._driver.rows(_OFFSET, tenant=self.name)
        return int(rows[0][0]) if rows else 0

    def state(self) -> tuple[int, bool]:
        """The first two fields of `tenant_state`."""
        return self.tenant_state()[:2]

    def tenant_state(self) -> TenantState:
        """What a request needs to know of its tenant first, by one statement."""
        offset, armed, revision = self._driver.rows(_STATE, tenant=self.name)[0]
        return TenantState(int(offset or 0), bool(armed), revision)

    def move_clock(self, offset: int) -> None:
        row = self._upsert(CLOCK).values(offset=offset)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant"], set_={"offset": offset}))
