"""What a tenant costs a server: memory of the process, and bytes of the ledger.

    python benchmarks/tenants.py [--tenants 2000]

Each tenant has a scenario and a clock of its own, a member who connects an app, and three requests for
data. Memory is the process's own (resident, after a collection), beside the first 200 tenants, which warm
the caches.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from pathlib import Path

import httpx

from sandbox.apis.control.client import Remote
from sandbox.server.embedded import listening
from sandbox.settings import from_env

WARM = 200
KINDS = ("baseline", "rate-limited", "token-expires-early", "slow-responses,seconds=0.01.totals-missing")
ASKED = ("Patient", "Coverage", "ExplanationOfBenefit?_count=10")


def resident() -> int:
    """Bytes of this process that are in memory (Linux)."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def live(prefix: str, days: int, http: httpx.Client) -> None:
    """One tenant's life."""
    http.post(f"{prefix}/_sandbox/clock", json={"advance": f"P{days}D"}).raise_for_status()
    token = Remote(prefix).sign_in("maria")["access_token"]
    for path in ASKED:
        answer = http.get(f"{prefix}/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=2000)
    count = parser.parse_args().tenants
    folder = Path(tempfile.mkdtemp())
    with listening(from_env(), folder / "ledger.db") as origin, httpx.Client() as http:
        before = 0
        for number in range(WARM + count):
            if number == WARM:
                before = resident()
            live(f"{origin}/s/{KINDS[number % len(KINDS)]}~t{number}", number % 20, http)
        grown = (resident() - before) / count
    kept = sum(path.stat().st_size for path in folder.iterdir()) / (WARM + count)
    print(
        f"{count} tenants: {grown / 1024:.1f} KB of memory a tenant, {kept / 1024:.1f} KB of ledger a tenant"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
