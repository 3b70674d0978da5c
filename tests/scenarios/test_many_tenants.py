"""Two thousand payers in one server: scenarios, clocks, counters and journals stay apart."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support import stores

from sandbox.app import create_app
from sandbox.core.clock import FrozenClock
from sandbox.settings import Settings

TENANTS = 2000
MEASURED = 300
PER_TENANT = 8 * 1024
"""Bytes that a tenant may add to the memory of a process; its state is in the ledger."""


def test_two_thousand_tenants_do_not_know_of_each_other(settings: Settings, tmp_path: Path) -> None:
    start = datetime(2026, 6, 15, 12, tzinfo=UTC)
    ledger = stores.ledger(tmp_path / "ledger.db")
    client = create_app(replace(settings, ledger=ledger), FrozenClock(start)).test_client()
    kinds = ("baseline", "rate-limited", "slow-responses,seconds={0}", "broken-references.rate-limited")
    names = [kinds[number % 4].format(1 + number % 60) + f"~t{number}" for number in range(TENANTS)]
    client.get("/s/baseline~warm/fhir/metadata")
    gc.collect()
    tracemalloc.start()
    for number, name in enumerate(names):
        if number == MEASURED:
            gc.collect()
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert grown / MEASURED < PER_TENANT, f"{grown / MEASURED:.0f} bytes a tenant"
        moved = {"advance": f"P{number}D"}
        assert client.post(f"/s/{name}/_sandbox/clock", json=moved).status_code == 200
        armed = {"times": 1, "when": {"path": "/fhir/metadata"}, "then": {"do": "refuse", "status": 429}}
        if number % 5 == 0:
            client.post(f"/s/{name}/_sandbox/fail-next", json=armed)

    # A second round in another order: each finds its own clock, accident and journal, and no other's.
    waited = timedelta()
    for number in sorted(range(TENANTS), key=lambda n: (n * 7919) % TENANTS):
        name = names[number]
        answer = client.get(f"/s/{name}/fhir/metadata")
        assert answer.status_code == (429 if number % 5 == 0 else 200), name
        if number % 4 == 2:
            waited += timedelta(seconds=1 + number % 60)  # the clock beneath all of them went on
        if answer.status_code == 200:
            day = (start + waited + timedelta(days=number)).date().isoformat()
            assert answer.get_json()["date"] == day, name
        fired = answer.headers.get("Sandbox-Effects", "")
        assert ("slow-responses:delay" in fired) is (number % 4 == 2), name
        assert ("fail-next:refuse" in fired) is (number % 5 == 0), name
        if number % 7:
            continue
        entries = client.get(f"/s/{name}/_sandbox/journal").get_json()["entries"]
        assert [e["path"] for e in entries] == ["/fhir/metadata"], name
        assert entries[0]["scenario"] == name.partition("~")[0].removesuffix(",seconds=5"), name
