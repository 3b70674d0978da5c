"""Whether a clock that says it moved did move: by its own reading, and by the age of an access token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.core.text import quantity
from sandbox.score.evidence import Exchange
from sandbox.score.http.client import HttpClient
from sandbox.score.signin.tokens import Fixed, claims_of

RULE, BREACH = "instrument-clock", "breach-expired-token"


@dataclass
class Aging:
    """One clock and one access token, looked at before and after a move. Of each: True when it shows that
    time passed, False when it shows that none did, None when it shows nothing."""

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
        """Look at the clock, and at the access token that this token response gave."""
        self._read = self._reading()
        token = response.get("access_token")
        self._lifetime = lifetime(response)
        if self._lifetime is not None and isinstance(token, str) and self._opens(token) == 200:
            self._token = token

    def after(self, days: int) -> None:
        """Look again after a move of so many days."""
        read = self._reading()
        if read is not None and self._read is not None:
            self.moved = read - self._read > timedelta(days=days) / 2
        past = timedelta(days=days).total_seconds()
        if self._token and self._lifetime is not None and self._lifetime < past:
            status = self._opens(self._token)
            self.aged = False if status == 200 else True if status in (401, 403) else None
            self.lived = (
                f"an access token still opens a record {quantity(days, 'day')} later by the clock,"
                f" and was to expire after {quantity(int(self._lifetime), 'second')}"
            )

    def doubt(self, refused: bool) -> str:
        """Why the clock is not believed; empty when it is. `refused`: a renewal that had worked was refused
        on a later day, which a clock that stands still cannot do."""
        if self.aged is False and (self.moved or refused):
            self.http.watch.note(BREACH, self.lived, "probe")
        if refused or self.aged or (self.moved and self.aged is None):
            return ""
        if self.moved is False:
            why = "the clock that is lent does not move: its own reading stands still"
        elif self.aged is False:
            why = f"the clock that is lent is not believed: {self.lived}"
        else:
            why = "the clock that is lent cannot be checked: it tells no time, and no token shows its age"
        self.http.watch.note(RULE, why, "clock")
        return why

    def _reading(self) -> datetime | None:
        answer = self.http.get(self.clock, step="clock", headers={"Accept": "application/json"})
        self.exchanges.append(answer.exchange)
        return instant(answer.json().get("now")) if answer.status == 200 else None

    def _opens(self, token: str) -> int:
        url = f"{self.base}/Patient/{quote(self.patient, safe='')}"
        answer = self.http.read(url, Fixed(token), step="probe", resource="Patient")[-1]
        self.exchanges.append(answer.exchange)
        return answer.status


def instant(value: Any) -> datetime | None:
    """A time as a clock tells it; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lifetime(response: dict[str, Any]) -> float | None:
    """Seconds that an access token is to live: `expires_in`, else its own `exp`; None when nothing says."""
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
    """A positive number of seconds that can be meant."""
    return float(value) if type(value) in (int, float) and 0 < value < 1e12 else None
