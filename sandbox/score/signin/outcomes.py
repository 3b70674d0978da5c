"""The states of an attempt to sign in, by the rubric's log, and how they follow each other.

The report counts Authorized, Exchanged and Revoked as successes, and leaves Bounced out. The grader's own
attempts end in AUTHORIZED, CALLBACK_ERROR, STATE_MISMATCH, ERROR_PAGE, LOGIN_FAILED or EXCHANGE_FAILED;
those that it could not complete (UNWALKED) are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.score.signin import eligibility

ENTERED = frozenset({"AUTHORIZED", "EXCHANGED", "REVOKED"})
BOUNCED = "BOUNCED"
INELIGIBLE = frozenset({"INELIGIBLE_CALLBACK", "INELIGIBLE_PAGE"})

_LOGIN = {
    *("BOUNCED", "LOGIN_FAILED", "INELIGIBLE_CALLBACK", "INELIGIBLE_PAGE", "CONSENT_DENIED"),
    *("ERROR_PAGE", "CALLBACK_ERROR", "EXPIRED", "CODE_ISSUED", "AUTHORIZED"),
}
FOLLOWS: Mapping[str, frozenset[str]] = {
    "CREATED": frozenset(_LOGIN),
    "LOGIN_FAILED": frozenset(_LOGIN - {"BOUNCED"}),  # a mistyped password is tried again
    "CODE_ISSUED": frozenset({"EXCHANGE_FAILED", "AUTHORIZED", "EXPIRED"}),
    "AUTHORIZED": frozenset({"EXCHANGED", "REVOKED"}),
    "EXCHANGED": frozenset({"REVOKED"}),
}
"""State → the states that can follow. A state without a row is final."""

STATES = frozenset({"CREATED", *_LOGIN, *FOLLOWS, "EXCHANGE_FAILED", "EXCHANGED", "REVOKED"})


def entered(attempt: Mapping[str, Any]) -> bool:
    return attempt["outcome"] in ENTERED


def says_ineligible(attempt: Mapping[str, Any]) -> bool:
    """Return whether an ineligible member's attempt ended with a callback that tells more than refusal."""
    if attempt["outcome"] == "INELIGIBLE_CALLBACK":
        return True
    error = (attempt["error"], attempt["description"], attempt.get("error_uri", ""))
    return attempt["outcome"] == "CALLBACK_ERROR" and eligibility.tells_more(*error)
