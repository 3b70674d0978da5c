"""Tokens put into a ledger without a sign-in."""

from __future__ import annotations

from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.grants import Grant, Token
from sandbox.store.secret import digest

NEVER = 1 << 50
"""Milliseconds: an instant that no clock of a test reaches."""


def hold_token(
    tenant: TenantLedger,
    secret: str,
    patient: str,
    scope: str = "patient/*.rs",
    uses: int | None = None,
    username: str = "",
) -> None:
    """Give `sandbox-app` an access token of a member, and a grant that is named like it."""
    tenant.add_grant(Grant(secret, "sandbox-app", username or patient, patient, scope, 0, None, None))
    tenant.add_token(
        Token(digest(secret), "access", secret, "sandbox-app", scope, 0, NEVER, uses, None, None)
    )
