"""Keys: those a tenant signs with, and those of clients that were fetched."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, select

from sandbox.store.ledger.repositories.repository import META, Part, table, written

REMOTE_KEYS = table(
    "remote_keys",  # what was found at a client's jwks_uri, as long as its Cache-Control says
    Column("uri", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("fetched", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
SIGNING_KEY = Table(
    "signing_key",  # the keys a tenant rotated to, in order; the first one is the server's own
    META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("kid", String, nullable=False),
    Column("value", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    written(),
    Index("signing_key_tenant", "tenant", "number"),
)


@dataclass(frozen=True)
class RemoteKeys:
    """A JWKS (JSON text) that was fetched."""

    uri: str
    body: str
    fetched: int
    expires: int


class KeyRepository(Part):
    def add_signing_key(self, kid: str, private: str, at: int) -> None:
        self._add(SIGNING_KEY, {"kid": kid, "value": private, "since": at})

    def signing_keys(self) -> list[tuple[str, int]]:
        """The private keys (JWK, JSON) of this tenant with the time each took over, oldest first."""
        query = select(SIGNING_KEY.c.value, SIGNING_KEY.c.since).where(SIGNING_KEY.c.tenant == self.name)
        with self._engine.connect() as db:
            return [(value, since) for value, since in db.execute(query.order_by(SIGNING_KEY.c.number))]

    def remote_keys(self, uri: str) -> RemoteKeys | None:
        return self._one(REMOTE_KEYS, RemoteKeys, uri=uri)

    def keep_remote_keys(self, keys: RemoteKeys) -> None:
        fresh = {**vars(keys), "written": self._upkeep.now()}
        row = self._upsert(REMOTE_KEYS).values(fresh)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant", "uri"], set_=fresh))
