"""Attempts of a log, followed through their states to where they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.score.signin import outcomes
from sandbox.score.traffic.record import TrafficRecord

IDLE = timedelta(minutes=30)
_WORDS = {
    "CREATED": "nothing more was heard of it",
    "EXPIRED": "it was idle for 30 minutes",
    "CODE_ISSUED": "the code was never redeemed",
    "LOGIN_FAILED": "the login failed",
    "CONSENT_DENIED": "the member declined",
    "ERROR_PAGE": "it ended on a page of the payer",
    "CALLBACK_ERROR": "the callback carried an error",
    "INELIGIBLE_CALLBACK": "the callback said the member is not eligible",
    "INELIGIBLE_PAGE": "a page said the member is not eligible",
    "EXCHANGE_FAILED": "the code did not become a token",
    "BOUNCED": "the member left before logging in",
}


@dataclass
class Attempt:
    """One attempt. `impossible` counts events that cannot follow the state they came in."""

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
        """To the next state; an attempt idle for too long has expired before it came."""
        if self._open and at - self.last > IDLE:
            self.state = "EXPIRED"
        exchanged = state == "EXCHANGED" and self._open  # data came: there was a token, told or not
        if state == self.state:
            self.last = at
        elif exchanged or state in outcomes.FOLLOWS.get(self.state, ()):
            self.state, self.last = state, at
        else:
            self.impossible += 1

    def close(self, until: datetime) -> None:
        """At the end of the log: what was idle for too long has expired."""
        if self._open and until - self.last > IDLE:
            self.state = "EXPIRED"

    @property
    def _open(self) -> bool:
        return self.state in ("CREATED", "CODE_ISSUED")

    def to_value(self, number: int) -> dict[str, Any]:
        """As the grader's own attempts are kept: no name, no id."""
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
    """Attempts by id, in the order in which they were created. Records come in order of time."""
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
        attempt.error = record.error or attempt.error
        attempt.description = record.description or attempt.description
        attempt.error_uri = record.error_uri or attempt.error_uri
        attempt.line = record.line or attempt.line
        attempt.coverage_end = record.coverage_end or attempt.coverage_end
        if record.portal_account is not None:
            attempt.portal_account = record.portal_account
    for attempt in attempts.values():
        attempt.close(until)
    return attempts


def _state(record: TrafficRecord) -> str:
    """The state a record moves its attempt to; empty when it moves none."""
    if record.kind == "authz_event":
        state = (record.outcome or "").upper()
        error = (record.error, record.description, record.error_uri)
        if state == "CALLBACK_ERROR" and outcomes.means_ineligible(*error):
            return "INELIGIBLE_CALLBACK"
        return state if state in outcomes.STATES else ""
    if record.kind == "token" and record.grant_type == "authorization_code":
        if record.outcome:
            return record.outcome.upper() if record.outcome.upper() in outcomes.STATES else ""
        return "AUTHORIZED" if record.status == 200 else "EXCHANGE_FAILED"
    return "EXCHANGED" if record.kind == "fhir" and record.status == 200 else ""
