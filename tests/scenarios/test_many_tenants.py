"""Two thousand payers in one server: scenarios, clocks, counters, accidents, decisions and journals stay
apart. That the look for leaks finds them is shown by making some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from support import stores
from support.tenants import crowd

from sandbox.core.clock import FrozenClock
from sandbox.faults.selection import Selection
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store.ledger.database import TenantLedger

pytestmark = pytest.mark.slow

TENANTS = 2000
FEW = 40
"""Enough for every mixture of two differences."""


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 6, 15, 12, tzinfo=UTC))


@pytest.fixture
def client(settings: Settings, tmp_path: Path, clock: FrozenClock) -> FlaskClient:
    return create_app(replace(settings, ledger=stores.ledger(tmp_path / "ledger.db")), clock).test_client()


@pytest.mark.catalogue
def test_two_thousand_tenants_do_not_know_of_each_other(client: FlaskClient, clock: FrozenClock) -> None:
    crowd(client, clock, TENANTS)


def everybodys(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the ledger that forgets whose it is."""

    def leaking(self: TenantLedger, *args: Any, **kwargs: Any) -> Any:
        return method(
            TenantLedger(self._engine, self._driver, self._upkeep, self.quotas, "everybody", self.pin),
            *args,
            **kwargs,
        )

    return leaking


LEAKS = {
    "clocks": ("tenant_state", "offset", "move_clock"),
    "counters": ("count",),
    "windows": ("window",),
    "accidents": ("tenant_state", "arm", "armed", "take"),
    "accidents that are looked for": ("arm", "armed", "take"),
    "members": ("standing", "mark", "unmark"),
    "clients": ("client", "add_client", "change_client"),
    "journals": ("note", "journal", "last_number"),
    "what is read of journals": ("journal",),
}


@pytest.mark.parametrize("methods", LEAKS.values(), ids=LEAKS)
def test_a_leak_would_be_seen(
    client: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, methods: tuple[str, ...]
) -> None:
    for name in methods:
        monkeypatch.setattr(TenantLedger, name, everybodys(getattr(TenantLedger, name)))
    with pytest.raises(AssertionError):
        crowd(client, clock, FEW)


def test_sessions_of_one_name_would_be_seen(
    client: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Selection, "key", property(lambda self: self.name))
    with pytest.raises(AssertionError):
        crowd(client, clock, FEW)


def test_few_tenants_are_well(client: FlaskClient, clock: FrozenClock) -> None:
    """The same crowd without a leak: what fails above fails for its leak."""
    crowd(client, clock, FEW)
