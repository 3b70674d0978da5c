"""Follows the sign-in attempts of a log through their states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.score.signin import outcomes
from sandbox.score.signin.eligibility import speaks_of_eligibility
from sandbox.score.traffic.record import TrafficRecord

IDLE = timedelta(minutes=30)
_WORDS = {
    "CREATED": "the log shows nothing after its start",
    "EXPIRED": "there was no activity for 30 minutes",
    "CODE_ISSUED": "the code was never redeemed",
    "LOGIN_FAILED": "the login failed",
    "CONSENT_DENIED": "the member declined",
    "ERROR_PAGE": "it ended on a page of the payer",
    "CALLBACK_ERROR": "the callback had an error",
    "INELIGIBLE_CALLBACK": "the callback said the member is not eligible",
    "INELIGIBLE_PAGE": "a page said the member is not eligible",
    "EXCHANGE_FAILED": "the code was not exchanged for a token",
    "BOUNCED": "the member left before logging in",
}


@dataclass
class Attempt:
    """One attempt. `impossible` counts events that cannot follow its state at the time."""

    created: datetime
    state: str
    last: datetime
    error: str = ""
    description: str = ""
    error_uri: str = ""
    line: str | None = None
    coverage_end: date | None = None
    portal_account: bool | None = None
    impossible: int = 0

    def move(self, state: str, at: datetime) -> None:
        """Go to the next state. An attempt that was idle for too long has expired before."""
        if self._open and at - self.last > IDLE:
            self.state = "EXPIRED"
        exchanged = (
            state == "EXCHANGED" and self._open
        )  # data came, so there was a token, even if the log does not say so
        if state == self.state:
            self.last = at
        elif exchanged or state in outcomes.FOLLOWS.get(self.state, ()):
            self.state, self.last = state, at
        else:
            self.impossible += 1

    def close(self, until: datetime) -> None:
        """End with the log: an attempt that was idle for too long has expired."""
        if self._open and until - self.last > IDLE:
            self.state = "EXPIRED"

    @property
    def _open(self) -> bool:
        return self.state in ("CREATED", "CODE_ISSUED")

    def to_value(self, number: int) -> dict[str, Any]:
        """Return it in the form of the grader's own attempts: without a name or an id."""
        reason = _WORDS.get(self.state, "") + (f" ({self.error})" if self.error else "")
        return {
            "who": f"attempt {number}",
            "line": self.line,
            "outcome": self.state,
            "reason": "" if self.state in outcomes.ENTERED else reason,
            "error": self.error,
            "description": self.description[:200],
            "error_uri": self.error_uri[:200],
        }


def follow(records: Iterable[TrafficRecord], until: datetime) -> dict[str, Attempt]:
    """Return attempts by id, in the order of creation. Records come in order of time."""
    attempts: dict[str, Attempt] = {}
    for record in records:
        if not record.attempt_id or not (state := _state(record)):
            continue
        attempt = attempts.get(record.attempt_id)
        if attempt is None:
            if record.kind == "fhir":
                continue  # the sign-in was before the log began
            attempt = attempts[record.attempt_id] = Attempt(record.when, state, record.when)
        else:
            attempt.move(state, record.when)
        for name in ("error", "description", "error_uri", "line", "coverage_end", "portal_account"):
            if getattr(record, name) not in (None, ""):
                setattr(attempt, name, getattr(record, name))
    for attempt in attempts.values():
        attempt.close(until)
    return attempts


def _state(record: TrafficRecord) -> str:
    """Return the state to which a record moves its attempt; empty when it moves none."""
    if record.kind == "authz_event":
        state = (record.outcome or "").upper()
        error = (record.error, record.description, record.error_uri)
        if state == "CALLBACK_ERROR" and speaks_of_eligibility(*error):
            return "INELIGIBLE_CALLBACK"
        return state if state in outcomes.STATES else ""
    if record.kind == "token" and record.grant_type == "authorization_code":
        if record.outcome:
            return record.outcome.upper() if record.outcome.upper() in outcomes.STATES else ""
        return "AUTHORIZED" if record.status == 200 else "EXCHANGE_FAILED"
    return "EXCHANGED" if record.kind == "fhir" and record.status == 200 else ""
