"""Clients: apps registered here, what was decided about those of the fixtures, assertions used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, delete, func, select, update

from sandbox.store.ledger.repositories.grants import GRANT, TOKEN
from sandbox.store.ledger.repositories.repository import Part, columns, table
from sandbox.store.secret import digest

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
    Column("kept", BigInteger),  # by the machine's clock: until then it is not forgotten
    Index("assertion_expires", "tenant", "expires"),
)


ASSERTION_KEPT = 86_400_000
"""Milliseconds of the machine's clock for which a used `jti` is remembered whatever the tenant's says."""


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
    def add_client(self, record: ClientRecord) -> None:
        self._add(CLIENT, vars(record))

    def client(self, id: str) -> ClientRecord | None:
        return self._one(CLIENT, ClientRecord, id=id)

    def clients(self) -> list[ClientRecord]:
        """In the order in which they registered."""
        query = select(*columns(CLIENT, ClientRecord)).where(*self._where(CLIENT))
        with self._engine.connect() as db:
            rows = db.execute(query.order_by(CLIENT.c.created, CLIENT.c.id))
            return [ClientRecord(*row) for row in rows]

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

    def spend_assertion(self, client: str, jti: str, until: int, now: int, machine: int) -> bool:
        """Remember a client's `jti`: until its assertion expires by the tenant's clock (`now`), and for
        ASSERTION_KEPT of the machine's, which nobody turns back. True for exactly one caller."""
        same = {"expires": until, "kept": machine + max(ASSERTION_KEPT, until - now)}
        row = self._upsert(ASSERTION).values(client=client, jti=digest(jti), **same)
        over = ASSERTION.c.expires <= now
        with self._write() as db:
            forgotten = func.coalesce(ASSERTION.c.kept, 0) <= machine
            db.execute(delete(ASSERTION).where(ASSERTION.c.tenant == self.name, over, forgotten))
            # A jti whose assertion is over may name another one; the clock turned back, it is not over.
            row = row.on_conflict_do_update(
                index_elements=["tenant", "client", "jti"], set_=same, where=over
            ).returning(ASSERTION.c.jti)
            return db.execute(row).first() is not None
