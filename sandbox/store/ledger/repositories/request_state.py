"""What a request that only reads asks of the ledger, in one look."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import exists

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.clock import STATE
from sandbox.store.ledger.repositories.grants import BEARER, Grant, Token, stands_for
from sandbox.store.ledger.repositories.member_status import STANDING
from sandbox.store.ledger.repositories.repository import Part
from sandbox.store.secret import digest

_LOCKS = exists().where(STANDING.c.tenant == bind("tenant"), STANDING.c.mark == "locked")
_ARRIVAL = BEARER.add_columns(*STATE, _LOCKS)


class Arrival(NamedTuple):
    """The fields of a `TenantState`, whether any account is locked, and whose token it is."""

    offset: int
    armed: bool
    revision: int | None
    locks: bool
    token: Token
    grant: Grant


class Arrivals(Part):
    """A tenant's bearers at the door."""

    def arrival(self, secret: str) -> Arrival | None:
        """None for a token that this tenant does not know."""
        for row in self._driver.rows(_ARRIVAL, tenant=self.name, hash=digest(secret)):
            *bearer, offset, armed, revision, locks = row
            state = int(offset or 0), bool(armed), revision
            return Arrival(*state, bool(locks), *stands_for(bearer))
        return None
