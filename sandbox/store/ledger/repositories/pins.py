"""How grants and tokens were made: under which selection, with which faults."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import select, update

from sandbox.core.errors import Unavailable
from sandbox.store.ledger.repositories.grants import CODE, GRANT, TOKEN, Grants
from sandbox.store.ledger.repositories.sign_ins import PENDING
from sandbox.store.secret import digest


class Origin(NamedTuple):
    """Under which selection something was granted: the one it is `pin`ned to, or the one that a header
    chose (`terms`). Both empty: the payer's own."""

    pin: str = ""
    terms: str = ""


class Pins(Grants):
    """What is remembered of a tenant's grants and tokens."""

    def origin(self, *, pending: str = "", code: str = "", token: str = "") -> Origin | None:
        """Where a sign-in, a code or a token (its digest) comes from; None for one that is not known."""
        of_grant = select(GRANT.c.scenario, GRANT.c.terms).where(GRANT.c.tenant == self.name)
        if pending:
            mine = self._where(PENDING, id=digest(pending))
            query = select(PENDING.c.scenario, PENDING.c.terms).where(*mine)
        elif code:
            query = of_grant.join(CODE, (CODE.c.tenant == GRANT.c.tenant) & (CODE.c.grant == GRANT.c.id))
            query = query.where(CODE.c.hash == digest(code))
        else:
            query = of_grant.join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            query = query.where(TOKEN.c.hash == token)
        with self._engine.connect() as db:
            row = db.execute(query).first()
        return Origin(row[0] or "", row[1] or "") if row else None

    def remember(self, effects: str) -> None:
        """Write these faults on what was granted and minted through this view. They explain, and no
        more: where they cannot be written, what was granted stands."""
        with suppress(Unavailable), self._write() as db:
            for table, key, written in ((GRANT, "id", self.granted), (TOKEN, "hash", self.minted)):
                if written:
                    rows = [table.c.tenant == self.name, table.c[key].in_(written)]
                    db.execute(update(table).where(*rows).values(effects=effects))

    def remembered(self, token: str) -> str:
        """The faults that a token and its grant were made with, separated by commas."""
        query = (
            select(GRANT.c.effects, TOKEN.c.effects)
            .join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            .where(GRANT.c.tenant == self.name, TOKEN.c.hash == digest(token))
        )
        with self._engine.connect() as db:
            row = db.execute(query).first()
        return ",".join(part for part in row if part) if row else ""
