"""Check that a lent clock moves: by its own reading, and by the age of an access token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.core.text import quantity
from sandbox.score.evidence import Exchange
from sandbox.score.http.client import HttpClient
from sandbox.score.signin.tokens import Bearer, claims_of

RULE, BREACH = "instrument-clock", "breach-expired-token"


@dataclass
class Aging:
    """One clock and one access token, checked before and after the clock moves.

    `moved` and `aged` are True when time passed, False when it did not, None when nothing shows it.
    """

    http: HttpClient
    clock: str
    base: str
    patient: str
    exchanges: list[Exchange]
    moved: bool | None = None
    aged: bool | None = None
    lived: str = ""
    _read: datetime | None = None
    _token: str = ""
    _lifetime: float | None = None

    def before(self, response: dict[str, Any]) -> None:
        """Read the clock, and try the access token of this token response."""
        self._read = self._reading()
        token = response.get("access_token")
        self._lifetime = lifetime(response)
        if self._lifetime is not None and isinstance(token, str) and self._opens(token) == 200:
            self._token = token

    def after(self, days: int) -> None:
        """Read and try again after the clock moved by so many days."""
        read = self._reading()
        if read is not None and self._read is not None:
            self.moved = read - self._read > timedelta(days=days) / 2
        past = timedelta(days=days).total_seconds()
        if self._token and self._lifetime is not None and self._lifetime < past:
            status = self._opens(self._token)
            self.aged = False if status == 200 else True if status in (401, 403) else None
            self.lived = (
                f"an access token still works {quantity(days, 'day')} later by the clock,"
                f" but expires after {quantity(int(self._lifetime), 'second')}"
            )

    def doubt(self, refused: bool) -> str:
        """Return why the clock is not believed; empty when it is.

        `refused`: a renewal that had worked was refused on a later day, so the clock did move.
        """
        if self.aged is False and (self.moved or refused):
            self.http.watch.note(BREACH, self.lived, "probe")
        if refused or self.aged or (self.moved and self.aged is None):
            return ""
        if self.moved is False:
            why = "the test clock does not move: it shows the same time after it was advanced"
        elif self.aged is False:
            why = f"the test clock is not credible: {self.lived}"
        else:
            why = "the test clock cannot be checked: it does not return its time, and no token shows its age"
        self.http.watch.note(RULE, why, "clock")
        return why

    def _reading(self) -> datetime | None:
        answer = self.http.get(self.clock, step="clock", headers={"Accept": "application/json"})
        self.exchanges.append(answer.exchange)
        return instant(answer.json().get("now")) if answer.status == 200 else None

    def _opens(self, token: str) -> int:
        url = f"{self.base}/Patient/{quote(self.patient, safe='')}"
        answer = self.http.read(url, Bearer(token), step="probe", resource="Patient")[-1]
        self.exchanges.append(answer.exchange)
        return answer.status


def instant(value: Any) -> datetime | None:
    """Parse a time as a clock reports it; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lifetime(response: dict[str, Any]) -> float | None:
    """Return the lifetime of an access token in seconds: `expires_in`, else its own `exp`."""
    expires_in = response.get("expires_in")
    if (
        isinstance(expires_in, str)
        and expires_in.isascii()
        and expires_in.isdecimal()
        and len(expires_in) < 12
    ):
        expires_in = int(expires_in)
    if (seconds := _seconds(expires_in)) is not None:
        return seconds
    claims = claims_of(response.get("access_token"))
    born, ends = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    return _seconds(ends - born) if born is not None and ends is not None else None


def _seconds(value: Any) -> float | None:
    """Return a plausible positive number of seconds, else None."""
    return float(value) if type(value) in (int, float) and 0 < value < 1e12 else None
