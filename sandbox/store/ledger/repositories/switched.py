"""The scenarios that the operator has switched on for a tenant, whatever address its clients use."""

from __future__ import annotations

from sqlalchemy import Column, String, delete, select

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, table

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
