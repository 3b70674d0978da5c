"""Odd bytes over a socket: no 5xx, no long answer, every error of the shape of its path.

Some hundreds here; `benchmarks/fuzz.py` sends 100,000.
"""

from __future__ import annotations

from itertools import islice

import pytest
from support.smart_app import SmartApp
from support.wire_fuzzing import Tally, exchange, requests, routes

from sandbox.server.app import create_app
from sandbox.settings import Settings

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, 5))
def test_nothing_that_is_sent_breaks_the_server(
    maria: SmartApp, origin: str, settings: Settings, seed: int
) -> None:
    known, tally = routes(create_app(settings)), Tally()
    for request in islice(requests(known, origin, maria.tokens["access_token"], seed), 150):
        exchange(origin, request, tally)
    assert len(tally.statuses) > 5
