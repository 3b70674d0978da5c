"""A ledger for each test, one signing key for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stores import place
from unit.auth.auth_desk import App, basic, desk

from sandbox.auth.context import AuthContext
from sandbox.auth.tokens.id_token import new_key
from sandbox.store.ledger.database import Ledger, TenantLedger


@pytest.fixture(scope="session")
def key() -> str:
    return new_key()


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[TenantLedger]:
    ledger = Ledger(place(tmp_path / "ledger.db"))
    yield ledger.tenant("")
    ledger.close()


@pytest.fixture
def at(tenant: TenantLedger, key: str) -> AuthContext:
    return desk(tenant, key=key)


@pytest.fixture
def app(at: AuthContext) -> App:
    return App(at)


@pytest.fixture
def web(at: AuthContext) -> App:
    return App(at, "web", basic("web", "s3cret: +%ü"))
