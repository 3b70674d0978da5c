"""Many payers in one server, each with a scenario, a clock and a history of its own, and a look for leaks.

What is right for a tenant is reckoned from its number alone, so that anything of another tenant shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from flask.testing import FlaskClient

from sandbox.core.clock import FrozenClock

KINDS = (
    "baseline",
    "rate-limited",
    "slow-responses,seconds={0}",
    "broken-references.rate-limited",
    "token-endpoint-hiccups,share=0.5",
)
LIMIT = 10
"""Requests a second, of the rate-limited kinds."""
ASKED = "/fhir/.well-known/smart-configuration"
ARMED = {"times": 1, "when": {"path": ASKED}, "then": {"do": "refuse", "status": 429}}


@dataclass(frozen=True)
class Tenant:
    """The `number`-th payer. Every few of them are different in one thing: the steps share no divisor, so
    that all mixtures occur."""

    number: int

    @property
    def kind(self) -> int:
        return self.number % len(KINDS)

    @property
    def seconds(self) -> int:
        """How long it waits before it answers, where it does."""
        return 1 + self.number % 60 if self.kind == 2 else 0

    @property
    def selection(self) -> str:
        return KINDS[self.kind].format(self.seconds)

    @property
    def prefix(self) -> str:
        return f"/s/{self.selection}~t{self.number}"

    @property
    def ahead(self) -> int:
        """Days. The rate-limited stay at one instant, where they would use up each other's window."""
        return 0 if self.kind in (1, 3) else self.number

    @property
    def armed(self) -> bool:
        return self.number % 7 == 0

    @property
    def locks(self) -> bool:
        return self.number % 3 == 0

    @property
    def suspends(self) -> bool:
        return self.number % 11 == 0

    @property
    def hurries(self) -> bool:
        """Whether it makes as many requests as its limit lets through; a few do."""
        return self.kind == 1 and self.number < 40

    @property
    def counted(self) -> int:
        """How many token calls it has had before anybody looks."""
        return self.number % 4 if self.kind == 4 else 0


def settle(client: FlaskClient, tenant: Tenant) -> None:
    """Give a tenant its history."""
    told = [("clock", {"advance": f"P{tenant.ahead}D"})]
    told += [("fail-next", ARMED)] if tenant.armed else []
    told += [("members/maria", {"locked": True})] if tenant.locks else []
    told += [("clients/sandbox-web", {"state": "suspended", "criterion": "token-misuse"})] * tenant.suspends
    for call, body in told:
        assert client.post(f"{tenant.prefix}/_sandbox/{call}", json=body).status_code == 200, call
    calls(client, tenant.prefix, tenant.counted)


def calls(client: FlaskClient, prefix: str, times: int) -> list[int]:
    """Token calls without a token: refused by the payer, or by the accident."""
    form = {"grant_type": "refresh_token"}
    return [client.post(f"{prefix}/auth/token", data=form).status_code for _ in range(times)]


def check(client: FlaskClient, tenant: Tenant, now: Callable[[], datetime], share: list[int]) -> None:
    """Assert that a tenant is what its number says, and nothing else. `now` is the clock beneath all of
    them, `share` the statuses of the token calls of a payer that has had none."""
    name, prefix = tenant.prefix, tenant.prefix
    assert control(client, prefix, "clock")["now"] == (now() + timedelta(days=tenant.ahead)).isoformat(), name
    answer = client.get(f"{prefix}{ASKED}")
    assert answer.status_code == (429 if tenant.armed else 200), name
    fired = answer.headers.get("Sandbox-Effects", "")
    assert ("slow-responses:delay" in fired) is bool(tenant.seconds), name
    assert ("fail-next:refuse" in fired) is tenant.armed, name
    assert control(client, prefix, "members/maria")["locked"] is tenant.locks, name
    approved = control(client, prefix, "clients/sandbox-web")["client_state"] == "approved"
    assert approved is not tenant.suspends, name
    if tenant.hurries:
        more = [client.get(f"{prefix}{ASKED}").status_code for _ in range(LIMIT - 1)]
        assert more == [200] * (LIMIT - 1), name
    if tenant.kind == 4:
        assert calls(client, prefix, 2) == share[tenant.counted : tenant.counted + 2], name
    entries = control(client, prefix, "journal")["entries"]
    asked = ["/auth/token"] * tenant.counted + [ASKED]
    asked += [ASKED] * (LIMIT - 1) * tenant.hurries + ["/auth/token"] * 2 * (tenant.kind == 4)
    assert [entry["path"] for entry in entries] == asked, name
    assert {entry["scenario"] for entry in entries} == {tenant.selection.removesuffix(",seconds=5")}, name


def control(client: FlaskClient, prefix: str, call: str) -> Any:
    answer = client.get(f"{prefix}/_sandbox/{call}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def crowd(client: FlaskClient, clock: FrozenClock, count: int) -> None:
    """Settle so many tenants, then look at each, in another order. Raises AssertionError for a leak."""
    share = calls(client, f"/s/{KINDS[4]}~first", 6)
    assert len(set(share)) > 1
    everybody = [Tenant(number) for number in range(count)]
    for tenant in everybody:
        settle(client, tenant)
    for tenant in Random("order").sample(everybody, count):
        check(client, tenant, clock.now, share)
