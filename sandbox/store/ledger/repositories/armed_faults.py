"""Faults that happen a number of times and are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, delete, select

from sandbox.core.errors import bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.store.ledger.repositories.repository import META, Part, changing, written

ARMED = Table(
    "armed",  # faults that happen a number of times and are over
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("source", String, nullable=False),
    Column("times", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("rule", String, nullable=False),
    written(),
    Index("armed_source", "tenant", "source", unique=True),
)


RULE = 8_192
"""Bytes of a fault as it is kept."""

_TAKE = changing(ARMED, "number", ARMED.c.left > 0, left=ARMED.c.left - 1)


@dataclass(frozen=True)
class Armed:
    """A fault that happens `left` more times. `rule` is what was asked for, as JSON; `source` keeps
    the same header from arming it twice."""

    number: int
    source: str
    times: int
    left: int
    rule: dict[str, Any]


class ArmedFaults(Part):
    def arm(self, rule: Mapping[str, Any], times: int, source: str) -> bool:
        """Arm a fault. False when the same source has armed it before. Raises BadRequest for a rule
        that is too long."""
        body = json_bytes(rule)
        if len(body) > RULE:
            bad_request(f"The fault has more than {RULE} bytes", cause="fail-next-invalid")
        row = self._upsert(ARMED).values(source=source, times=times, left=times, rule=body.decode())
        with self._write() as db:
            added = db.execute(row.on_conflict_do_nothing().returning(ARMED.c.number))
            return added.first() is not None

    def armed(self) -> list[Armed]:
        """Every fault that was armed, the oldest first, spent ones included."""
        columns = [ARMED.c[name] for name in Armed.__dataclass_fields__]
        query = select(*columns).where(ARMED.c.tenant == self.name).order_by(ARMED.c.number)
        with self._engine.connect() as db:
            return [
                Armed(number, source, times, left, json_value(rule))
                for number, source, times, left, rule in db.execute(query)
            ]

    def take(self, number: int) -> bool:
        """Take one time of an armed fault. False when none is left."""
        return self._took(_TAKE, key=number)

    def disarm(self) -> int:
        """Forget every armed fault. Returns how many there were."""
        with self._write() as db:
            return db.execute(delete(ARMED).where(ARMED.c.tenant == self.name)).rowcount
