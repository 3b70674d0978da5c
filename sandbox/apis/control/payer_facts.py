"""What the payer says of itself: claims (always the baseline's) and instruments (for a grader).

A scenario changes what is true, never what is said: claims come from the base character. Instruments
carry the prefix of the payer that was asked.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.members import Account
from sandbox.web.request import RequestContext

DEFAULT_CLIENT = "sandbox-app"
REDIRECT = "http://127.0.0.1/callback"


def facts_document(visit: RequestContext) -> dict[str, Any]:
    """The facts document of the payer in hand."""
    payer = visit.rooms.payer
    return {
        "claims": {
            "status": payer.status,
            "sandbox": payer.sandbox,
            "offered_lines": list(payer.offered_lines),
            "mandated_lines": list(payer.mandated_lines),
            "supported_lines": list(payer.supported_lines),
            "refresh_max_days": payer.refresh_max_days,
            "inactive_access_days": payer.inactive_access_days,
            "portal_opt_in": payer.portal_opt_in,
            "developer_portal": f"{visit.base}/developer",
        },
        "instruments": {
            "client_id": DEFAULT_CLIENT,
            "redirect_uri": REDIRECT,
            "authorization_endpoint": f"{visit.auth}/authorize",
            "token_endpoint": f"{visit.auth}/token",
            "members": [_member(account) for account in visit.rooms.accounts.values()],
            "clock": f"{visit.base}/_sandbox/clock",
            "fresh_payer": _fresh(visit),
        },
    }


def _member(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "password": account.password,
        "role": account.role,
        "line": account.line,
        "coverage_end": account.coverage_end.isoformat() if account.coverage_end else None,
    }


def _fresh(visit: RequestContext) -> str:
    """The same payer in a session of its own; the host is ours, the scenarios are those in force."""
    origin = visit.base.partition("/s/")[0]
    return f"{origin}/s/{visit.selection.written}~{{session}}/fhir"
