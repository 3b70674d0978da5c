"""Clients: apps registered here, what was decided about those of the fixtures, assertions used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, delete, select, update

from sandbox.store.secret import digest
from sandbox.store.tenant.grant import GRANT, TOKEN
from sandbox.store.tenant.part import Part, columns, table

CLIENT = table(
    "client",  # an app registered here, or what was decided about one of the fixtures (entry: null)
    Column("id", String, primary_key=True),
    Column("entry", String),
    Column("created", BigInteger, nullable=False),
    Column("manage", String),
    Column("state", String, nullable=False),
    Column("criterion", String),
    Column("secret", String),
    Column("old_secret", String),
    Column("old_until", BigInteger),
)
ASSERTION = table(
    "assertion",  # client assertions that were used, until they expire by themselves
    Column("client", String, primary_key=True),
    Column("jti", String, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index("assertion_expires", "tenant", "expires"),
)


@dataclass(frozen=True)
class ClientRecord:
    """What the ledger knows of a client. `entry` is the registered metadata as JSON (None: a client of
    the fixtures, about which only something was decided); `manage` and the secrets are digests; the
    old secret works until `old_until`."""

    id: str
    entry: str | None
    created: int
    manage: str | None
    state: str
    criterion: str | None
    secret: str | None
    old_secret: str | None
    old_until: int | None


class Clients(Part):
    """A tenant's clients."""

    def add_client(self, record: ClientRecord) -> None:
        self._add(CLIENT, vars(record))

    def client(self, id: str) -> ClientRecord | None:
        found: ClientRecord | None = self._one(CLIENT, ClientRecord, id=id)
        return found

    def clients(self) -> list[ClientRecord]:
        """In the order in which they registered."""
        query = select(*columns(CLIENT, ClientRecord)).where(*self._where(CLIENT))
        with self._engine.connect() as db:
            found = db.execute(query.order_by(CLIENT.c.created, CLIENT.c.id))
            return [ClientRecord(*row) for row in found]

    def change_client(self, id: str, at: int, **changes: Any) -> None:
        """Change columns of a client; a client of the fixtures gets its row now."""
        changes |= {"written": self._upkeep.now()}
        row = self._upsert(CLIENT).values({"id": id, "created": at, "state": "approved", **changes})
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes))

    def remove_client(self, id: str) -> bool:
        """True for exactly one caller."""
        with self._write() as db:
            return db.execute(delete(CLIENT).where(*self._where(CLIENT, id=id))).rowcount == 1

    def revoke_client(self, id: str, at: int) -> None:
        """Every grant and token of a client dies, codes not yet spent included."""
        with self._write() as db:
            for table in (GRANT, TOKEN):
                alive = [*self._where(table, client=id), table.c.revoked.is_(None)]
                db.execute(update(table).where(*alive).values(revoked=at))

    def spend_assertion(self, client: str, jti: str, until: int, now: int) -> bool:
        """Remember a client's `jti` until its assertion expires. True for exactly one caller."""
        row = self._upsert(ASSERTION).values(client=client, jti=digest(jti), expires=until)
        with self._write() as db:
            db.execute(delete(ASSERTION).where(ASSERTION.c.tenant == self.name, ASSERTION.c.expires <= now))
            added = db.execute(row.on_conflict_do_nothing().returning(ASSERTION.c.jti))
            return added.first() is not None
