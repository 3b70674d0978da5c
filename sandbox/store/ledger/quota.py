"""Quotas: how often something that writes may be asked for, by whom, counted by the server's own clock.

A quota has up to three counters, the narrowest first: one address at one payer, one address at all
payers, everybody at one payer. What one counter refuses is not counted by the next, so that whoever asks
too often uses up only their own share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Column, Executable, String, Table, case, select

from sandbox.core.errors import TooManyRequests
from sandbox.core.text import quantity
from sandbox.store.driver import Driver, bind
from sandbox.store.ledger.repositories.repository import META, upsert
from sandbox.store.secret import digest

QUOTA = Table(
    "quota",
    META,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("written", BigInteger, nullable=False),  # when the window began
)

WINDOW = 300_000
"""Milliseconds of a window, which begins with its first event."""


@dataclass(frozen=True)
class Quota:
    """How many in a window: of one address at one payer, of one address, at one payer (None: any number)."""

    what: str
    both: int | None = None
    address: int | None = None
    payer: int | None = None


QUOTAS: Mapping[str, Quota] = {
    "registration": Quota("registrations", 300, 1_000, 1_500),
    "pushed": Quota("pushed authorization requests", 1_000, 3_000, 5_000),
    "sign-in": Quota("sign-ins begun", 3_000, 15_000, 15_000),
    "login-failure": Quota("wrong passwords", address=500),
    "session": Quota("new sessions", address=5_000),
    "fault": Quota("faults armed", 2_000, 10_000, 10_000),
    "opt-in": Quota("changes of what members share", 1_000, 5_000, 5_000),
    "written": Quota("resources written", 2_000, 10_000, 10_000),
    "job": Quota("jobs started", 200, 1_000, 1_000),
}
"""All quotas. Those of a payer are wider than those of an address: one caller leaves room for others."""


@lru_cache
def _counting(dialect: str) -> Executable:
    over = QUOTA.c.written + bind("length") <= bind("now")
    row = upsert(dialect, QUOTA).values(name=bind("name"), value=1, written=bind("now"))
    return row.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "value": case((over, 1), else_=QUOTA.c.value + 1),
            "written": case((over, bind("now")), else_=QUOTA.c.written),
        },
    ).returning(QUOTA.c.value, QUOTA.c.written)


_LOOK = select(QUOTA.c.value, QUOTA.c.written).where(QUOTA.c.name == bind("name"))


class Quotas:
    """The counters, which all workers share. `factor` multiplies every quota; 0 is no quotas."""

    def __init__(self, driver: Driver, dialect: str, now: Callable[[], int], factor: int = 1):
        self._driver, self._statement, self._now, self._factor = driver, _counting(dialect), now, factor

    def take(self, kind: str, address: str, tenant: str = "") -> None:
        """Count one. Raises TooManyRequests with the seconds until the window is over."""
        now = self._now()
        for name, most in self._counters(kind, address, tenant):
            value, since = self._driver.rows(self._statement, name=name, now=now, length=WINDOW)[0]
            if value > most:
                raise _refusal(kind, since, now)

    def require(self, kind: str, address: str, tenant: str = "") -> None:
        """Raise TooManyRequests if one more would be too many; count nothing."""
        now = self._now()
        for name, most in self._counters(kind, address, tenant):
            for value, since in self._driver.rows(_LOOK, name=name):
                if value >= most and now < since + WINDOW:
                    raise _refusal(kind, since, now)

    def _counters(self, kind: str, address: str, tenant: str) -> Iterator[tuple[str, int]]:
        quota = QUOTAS[kind]
        for most, part in (
            (quota.both, f"{address}|{tenant}"),
            (quota.address, f"{address}|*"),
            (quota.payer, f"*|{tenant}"),
        ):
            if most is not None and self._factor:
                yield digest(f"{kind}|{part}")[:32], most * self._factor


def _refusal(kind: str, since: int, now: int) -> TooManyRequests:
    seconds = max(1, -(-(since + WINDOW - now) // 1000))
    return TooManyRequests(
        f"Too many {QUOTAS[kind].what}: try again in {quantity(seconds, 'second')}", seconds
    )
