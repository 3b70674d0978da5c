"""How grants and tokens were made: under which selection, with which accidents."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select, update

from sandbox.core.errors import Unavailable
from sandbox.store.secret import digest
from sandbox.store.tenant.grant import CODE, GRANT, TOKEN, Grants
from sandbox.store.tenant.signin import PENDING


class Pins(Grants):
    """What is remembered of a tenant's grants and tokens."""

    def pinned_by(self, *, pending: str = "", code: str = "", token: str = "") -> str:
        """The selection that a sign-in, a code or a token (its digest) is pinned to; empty: none."""
        of_grant = select(GRANT.c.scenario).where(GRANT.c.tenant == self.name)
        if pending:
            query = select(PENDING.c.scenario).where(*self._where(PENDING, id=digest(pending)))
        elif code:
            query = of_grant.join(CODE, (CODE.c.tenant == GRANT.c.tenant) & (CODE.c.grant == GRANT.c.id))
            query = query.where(CODE.c.hash == digest(code))
        else:
            query = of_grant.join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            query = query.where(TOKEN.c.hash == token)
        with self._engine.connect() as db:
            return db.execute(query).scalar() or ""

    def remember(self, effects: str) -> None:
        """Write these accidents on what was granted and minted through this view. They explain, and no
        more: where they cannot be written, what was granted stands."""
        with suppress(Unavailable), self._write() as db:
            for table, key, written in ((GRANT, "id", self.granted), (TOKEN, "hash", self.minted)):
                if written:
                    rows = [table.c.tenant == self.name, table.c[key].in_(written)]
                    db.execute(update(table).where(*rows).values(effects=effects))

    def remembered(self, token: str) -> str:
        """The accidents that a token and its grant were made with, separated by commas."""
        query = (
            select(GRANT.c.effects, TOKEN.c.effects)
            .join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            .where(GRANT.c.tenant == self.name, TOKEN.c.hash == digest(token))
        )
        with self._engine.connect() as db:
            found = db.execute(query).first()
        return ",".join(part for part in found if part) if found else ""
