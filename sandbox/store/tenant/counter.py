"""Counters, which any number of workers share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, case, delete, select

from sandbox.store.tenant.part import Part, table

COUNTER = table(
    "counter",
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False, default=0),
)


class Counters(Part):
    """A tenant's counters."""

    def count(self, name: str, by: int = 1) -> int:
        """Add to a counter and return its new value, atomically across workers."""
        row = self._upsert(COUNTER).values(tenant=self.name, name=name, value=by, since=0)
        row = row.on_conflict_do_update(
            index_elements=["tenant", "name"], set_={"value": COUNTER.c.value + by}
        )
        with self._write() as db:
            return int(db.execute(row.returning(COUNTER.c.value)).scalar_one())

    def window(self, name: str, now: int, length: int) -> tuple[int, int]:
        """Count one event in a window of `length` ms that starts with its first event.

        Returns (events so far, when the window started); atomic across workers.
        """
        over = COUNTER.c.since + length <= now
        row = self._upsert(COUNTER).values(tenant=self.name, name=name, value=1, since=now)
        row = row.on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={
                "value": case((over, 1), else_=COUNTER.c.value + 1),
                "since": case((over, now), else_=COUNTER.c.since),
            },
        )
        with self._write() as db:
            value, since = db.execute(row.returning(COUNTER.c.value, COUNTER.c.since)).one()
        return int(value), int(since)

    def counted(self, name: str, now: int, length: int) -> tuple[int, int]:
        """What `window` would say if nothing more happened: (events, when the window started)."""
        query = select(COUNTER.c.value, COUNTER.c.since).where(*self._where(COUNTER, name=name))
        with self._engine.connect() as db:
            found = db.execute(query).first()
        return (int(found[0]), int(found[1])) if found and found[1] + length > now else (0, now)

    def forget_count(self, name: str) -> None:
        with self._write() as db:
            db.execute(delete(COUNTER).where(*self._where(COUNTER, name=name)))
