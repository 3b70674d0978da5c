"""What members and payer have decided: sharing switched on, locked, approved, opted out."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, delete

from sandbox.store.ledger.repositories.repository import Part, table

OPT_IN = table("opt_in", Column("username", String, primary_key=True), Column("at", BigInteger))
STANDING = table(
    "standing",  # what was decided about a member: locked, approved, opted out
    Column("username", String, primary_key=True),
    Column("mark", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
)


class Standings(Part):
    """What was decided about a tenant's members."""

    def opted_in(self, username: str) -> bool:
        return bool(self._known(OPT_IN, "at", username=username))

    def opt_in(self, username: str, at: int) -> None:
        row = self._upsert(OPT_IN).values(username=username, at=at)
        with self._write() as db:
            db.execute(row.on_conflict_do_nothing())

    def standing(self, username: str) -> frozenset[str]:
        """What was decided about a member: any of locked, approved, opted-out."""
        return frozenset(mark for (mark,) in self._known(STANDING, "mark", username=username))

    def mark(self, username: str, mark: str, at: int) -> None:
        row = self._upsert(STANDING).values(username=username, mark=mark, at=at)
        with self._write() as db:
            db.execute(row.on_conflict_do_nothing())

    def unmark(self, username: str, mark: str) -> None:
        with self._write() as db:
            db.execute(delete(STANDING).where(*self._where(STANDING, username=username, mark=mark)))
