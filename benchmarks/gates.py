"""What armed gates cost when no scenario is on: baseline requests with the engine on, and with OPEN.

    python benchmarks/gates.py [--requests 1000]

The two ways take turns request by request inside one process, so that a busy machine disturbs both
alike; medians of processor time are compared. Without the engine nobody looks for rules, for pins or for
armed accidents: only the tenant's clock is asked for. The requirement is a ratio of 0.97 or more for each
kind of request: a page of 50 and a read in the fast lane, and metadata by way of Flask.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from sqlalchemy import literal, select

from sandbox.apis.control.client import Remote
from sandbox.core.gates import OPEN, Gates
from sandbox.faults.selection import Selection
from sandbox.server.app import create_app
from sandbox.server.embedded import listening, with_library
from sandbox.settings import from_env
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories import clock, request_state
from sandbox.web import request

LEAST = 0.97
_NO_ACCIDENTS = (clock.STATE[0], literal(0))


def opened(*_: object, **__: object) -> Gates:
    return OPEN


def unpinned(*_: object) -> str:
    return ""


@contextmanager
def without_engine() -> Iterator[None]:
    """No rules, no pins, no armed accidents."""
    with (
        mock.patch.object(Selection, "has_rules", False),
        mock.patch.object(Selection, "bind", opened),
        mock.patch.object(Ledger, "pin_of", unpinned),
        mock.patch.object(request_state, "_ARRIVAL", _ARRIVAL),
        mock.patch.object(clock, "_STATE", _STATE),
        mock.patch.object(request, "_bind", opened),
    ):
        yield


_ARRIVAL, _STATE = request_state.BEARER.add_columns(*_NO_ACCIDENTS), select(*_NO_ACCIDENTS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    asked = parser.parse_args()
    ledger = Path(tempfile.mkdtemp()) / "ledger.db"
    settings = with_library(from_env())
    with listening(settings, ledger) as origin:
        session = Remote(origin).sign_in("maria")
    client = create_app(replace(settings, ledger=str(ledger))).test_client()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    paths = ("ExplanationOfBenefit?_count=50", f"Patient/{session['patient']}", "metadata")

    def request(path: str) -> float:
        begun = time.process_time()
        answer = client.get(f"/fhir/{path}", headers=headers)
        taken = time.process_time() - begun
        assert answer.status_code == 200
        return taken * 1000

    worst = 1.0
    for path in paths:
        engine: list[float] = []
        bare: list[float] = []
        for _ in range(50):
            request(path)
        for _ in range(asked.requests):
            engine.append(request(path))
            with without_engine():
                bare.append(request(path))
        on, off = statistics.median(engine), statistics.median(bare)
        print(f"{path}: with OPEN {off:.3f} ms, with the engine on {on:.3f} ms: ratio {off / on:.3f}")
        worst = min(worst, off / on)
    return 0 if worst >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
