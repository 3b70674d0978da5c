"""Counters, which any number of workers share."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import BigInteger, Column, Executable, String, case, delete

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, table, upsert

COUNTER = table(
    "counter",
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False, default=0),
)


@lru_cache
def _counting(dialect: str) -> Executable:
    row = upsert(dialect, COUNTER).values(
        tenant=bind("tenant"), name=bind("name"), value=bind("by"), since=0, written=bind("written")
    )
    return row.on_conflict_do_update(
        index_elements=["tenant", "name"],
        set_={"value": COUNTER.c.value + bind("by"), "written": bind("written")},
    ).returning(COUNTER.c.value)


@lru_cache
def _windowing(dialect: str) -> Executable:
    over = COUNTER.c.since + bind("length") <= bind("now")
    row = upsert(dialect, COUNTER).values(
        tenant=bind("tenant"), name=bind("name"), value=1, since=bind("now"), written=bind("written")
    )
    return row.on_conflict_do_update(
        index_elements=["tenant", "name"],
        set_={
            "value": case((over, 1), else_=COUNTER.c.value + 1),
            "since": case((over, bind("now")), else_=COUNTER.c.since),
            "written": bind("written"),
        },
    ).returning(COUNTER.c.value, COUNTER.c.since)


class Counters(Part):
    def count(self, name: str, by: int = 1) -> int:
        """Add to a counter and return its new value, atomically across workers."""
        return int(self._rows(_counting(self._dialect), name=name, by=by, written=self._upkeep.now())[0][0])

    def window(self, name: str, now: int, length: int) -> tuple[int, int]:
        """Count one event in a window of `length` ms that starts with its first event.

        Returns (events so far, when the window started); atomic across workers.
        """
        value, since = self._rows(
            _windowing(self._dialect), name=name, now=now, length=length, written=self._upkeep.now()
        )[0]
        return int(value), int(since)

    def counted(self, name: str, now: int, length: int) -> tuple[int, int]:
        """What `window` would say if nothing more happened: (events, when the window started)."""
        for value, since in self._known(COUNTER, "value", "since", name=name):
            if since + length > now:
                return int(value), int(since)
        return 0, now

    def forget_count(self, name: str) -> None:
        with self._write() as db:
            db.execute(delete(COUNTER).where(*self._where(COUNTER, name=name)))
