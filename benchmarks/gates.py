"""What armed gates cost when no scenario is on: baseline requests with the engine on, and with OPEN.

    python benchmarks/gates.py [--requests 1000]

The two ways take turns request by request inside one process, so that a busy machine disturbs both
alike; medians of processor time are compared. The requirement is a ratio of 0.97 or more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import bindparam, select

from sandbox.app import create_app
from sandbox.core.gates import OPEN
from sandbox.embedded import listening, with_library
from sandbox.faults.selection import Selection
from sandbox.remote import Remote
from sandbox.settings import from_env
from sandbox.store.ledger import Ledger, TenantLedger
from sandbox.store.tenant.clock import CLOCK

LEAST = 0.97
_CLOCK = select(CLOCK.c.offset).where(CLOCK.c.tenant == bindparam("tenant"))


def clock_only(ledger: TenantLedger) -> tuple[int, bool]:
    """What `state` would be without accidents: prepared in the same way."""
    with ledger._engine.connect() as db:
        return db.execute(_CLOCK, {"tenant": ledger.name}).scalar() or 0, False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    asked = parser.parse_args()
    ledger = Path(tempfile.mkdtemp()) / "ledger.db"
    settings = with_library(from_env())
    with listening(settings, ledger) as origin:
        token = Remote(origin).sign_in("maria")["access_token"]
    client = create_app(replace(settings, ledger=str(ledger))).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    kept = (Selection.bind, Ledger.pin_of, TenantLedger.state)

    def request() -> float:
        begun = time.process_time()
        answer = client.get("/fhir/ExplanationOfBenefit?_count=50", headers=headers)
        taken = time.process_time() - begun
        assert answer.status_code == 200
        return taken

    def without_engine() -> float:
        """No rules, no pins, no armed accidents: only the tenant's clock is asked for."""
        Selection.bind = lambda self, world, armed=(): OPEN  # type: ignore[method-assign, assignment]
        Ledger.pin_of = lambda self, tenant, token: ""  # type: ignore[method-assign]
        TenantLedger.state = clock_only  # type: ignore[method-assign]
        try:
            return request()
        finally:
            Selection.bind, Ledger.pin_of, TenantLedger.state = kept  # type: ignore[method-assign]

    for _ in range(50):
        request()
    engine, bare = [], []
    for _ in range(asked.requests):
        engine.append(request())
        bare.append(without_engine())
    ratio = statistics.median(bare) / statistics.median(engine)
    print(f"with OPEN {statistics.median(bare) * 1000:.2f} ms, with the engine on", end=" ")
    print(f"{statistics.median(engine) * 1000:.2f} ms of processor a request: ratio {ratio:.3f}")
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
