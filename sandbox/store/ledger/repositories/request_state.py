"""What every request reads of its tenant first, by one statement."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import exists, select

from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.armed_faults import ARMED
from sandbox.store.ledger.repositories.clock import OFFSET, SELECTION
from sandbox.store.ledger.repositories.grants import BEARER, Grant, Token, stands_for
from sandbox.store.ledger.repositories.member_status import STANDING
from sandbox.store.ledger.repositories.repository import Part
from sandbox.store.ledger.repositories.written import REVISION
from sandbox.store.secret import digest


class TenantState(NamedTuple):
    """How far the tenant's clock is ahead of the machine's (ms), whether any fault is armed, the revision
    of what the tenant's clients have written (None: nothing), and the scenarios that the operator has
    switched on (None: none)."""

    offset: int
    armed: bool
    revision: int | None
    switched: str | None


class Arrival(NamedTuple):
    """The fields of a `TenantState`, whether any account is locked, and whose token it is."""

    offset: int
    armed: bool
    revision: int | None
    switched: str | None
    locks: bool
    token: Token
    grant: Grant


_COLUMNS = (
    OFFSET.scalar_subquery(),
    exists().where(ARMED.c.tenant == bind("tenant"), ARMED.c.left > 0),
    REVISION,
    SELECTION,
)
_STATE = select(*_COLUMNS)
_LOCKS = exists().where(STANDING.c.tenant == bind("tenant"), STANDING.c.mark == "locked")
_ARRIVAL = BEARER.add_columns(*_COLUMNS, _LOCKS)


class RequestState(Part):
    """A tenant as a request meets it."""

    def tenant_state(self) -> TenantState:
        """The state, for a request without a token."""
        offset, armed, revision, switched = self._driver.rows(_STATE, tenant=self.name)[0]
        return TenantState(int(offset or 0), bool(armed), revision, switched)

    def arrival(self, secret: str) -> Arrival | None:
        """The state and the bearer. None for a token that this tenant does not know."""
        for row in self._driver.rows(_ARRIVAL, tenant=self.name, hash=digest(secret)):
            *bearer, offset, armed, revision, switched, locks = row
            state = TenantState(int(offset or 0), bool(armed), revision, switched)
            return Arrival(*state, bool(locks), *stands_for(bearer))
        return None
