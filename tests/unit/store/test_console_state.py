"""What the console keeps in the ledger: records of exchanges, who is watched, switched scenarios."""

from __future__ import annotations

from pathlib import Path

from support.stores import place

from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.journal import CONTENT_BYTES_MAX, WATCH_SECONDS, Watches


def test_records_are_kept_for_each_payer_and_go_with_a_reset(ledger: Ledger) -> None:
    here, there = ledger.tenant(""), ledger.tenant("~t7")
    here.exchanges.keep("a", b"one")
    there.exchanges.keep("a", b"two")
    assert here.exchanges.get("a") == b"one"
    assert there.exchanges.get("a") == b"two"
    assert here.exchanges.get("b") is None
    here.reset()
    assert here.exchanges.get("a") is None
    assert there.exchanges.get("a") == b"two"


def test_a_record_that_is_too_long_is_lost(ledger: Ledger) -> None:
    tenant = ledger.tenant("")
    tenant.exchanges.keep("long", bytes(CONTENT_BYTES_MAX + 1))
    tenant.exchanges.keep("longest", bytes(CONTENT_BYTES_MAX))
    assert tenant.exchanges.get("long") is None
    assert tenant.exchanges.get("longest") == bytes(CONTENT_BYTES_MAX)


def test_a_payer_is_watched_for_a_while_after_it_was_asked_for(tmp_path: Path) -> None:
    ledger = Ledger(place(tmp_path / "ledger.db"))
    try:
        now = [1_800_000_000_000]
        watches, elsewhere = (
            Watches(ledger._driver, ledger._engine.dialect.name, lambda: now[0]) for _ in range(2)
        )
        assert not watches.is_watched("~a")
        assert not elsewhere.is_watched("~a")
        watches.watch("~a")
        assert watches.is_watched("~a")
        assert not watches.is_watched("~b")
        now[0] += 1000  # another worker looks again after a second
        assert elsewhere.is_watched("~a")
        now[0] += (WATCH_SECONDS - 2) * 1000
        assert watches.is_watched("~a")
        watches.watch("~a")  # once more, and it goes on
        now[0] += 5000
        assert elsewhere.is_watched("~a")
        now[0] += WATCH_SECONDS * 1000
        assert not watches.is_watched("~a")
        assert not elsewhere.is_watched("~a")
    finally:
        ledger.close()


def test_switched_scenarios_are_a_payers_own_and_go_with_a_reset(ledger: Ledger) -> None:
    here, there = ledger.tenant(""), ledger.tenant("~t7")
    assert here.tenant_state().switched is None
    here.switch("rate-limited")
    here.switch("rate-limited.slow-responses,seconds=2")
    assert here.tenant_state().switched == "rate-limited.slow-responses,seconds=2"
    assert there.tenant_state().switched is None
    here.switch("")
    assert here.tenant_state().switched is None
    here.switch("rate-limited")
    here.reset()
    assert here.tenant_state().switched is None
