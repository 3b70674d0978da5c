"""Windows: when a rule applies by the tenant's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from unit.faults.fault_samples import FHIR, gates, world

from sandbox.core.clock import FrozenClock
from sandbox.core.gates import Stage
from sandbox.faults.window import Window

NIGHT = {"daily": "22:30-04:00", "days": ["sat"]}


@pytest.mark.parametrize(
    ("window", "now", "days_ahead", "is_open"),
    [
        ({"after": "2027-01-01T00:00:00Z"}, "2026-12-31T23:59:59Z", 0, False),
        ({"after": "2027-01-01T00:00:00Z"}, "2027-01-01T00:00:00Z", 0, True),
        ({"after": "2027-01-01T01:00:00+01:00"}, "2027-01-01T00:00:00Z", 0, True),
        ({"before": "2027-01-01T00:00:00Z"}, "2026-12-31T23:59:59Z", 0, True),
        ({"before": "2027-01-01T00:00:00Z"}, "2027-01-01T00:00:00Z", 0, False),
        ({"after": "P30D"}, "2026-01-01T00:00:00Z", 29, False),
        ({"after": "P30D"}, "2026-01-01T00:00:00Z", 30, True),
        ({"after": "P30D", "before": "P60D"}, "2026-01-01T00:00:00Z", 60, False),
        ({"after": 86400}, "2026-01-01T00:00:00Z", 1, True),
        ({"daily": "02:00-04:00"}, "2026-01-01T02:00:00Z", 0, True),
        ({"daily": "02:00-04:00"}, "2026-01-01T04:00:00Z", 0, False),
        ({"daily": "02:00-04:00"}, "2026-01-01T01:59:00Z", 0, False),
        (NIGHT, "2026-01-03T22:30:00Z", 0, True),  # a Saturday
        (NIGHT, "2026-01-04T03:59:00Z", 0, True),  # its night goes on
        (NIGHT, "2026-01-04T04:00:00Z", 0, False),
        (NIGHT, "2026-01-03T03:00:00Z", 0, False),  # the night before began on Friday
        ({"days": ["thu"]}, "2026-01-01T12:00:00Z", 0, True),
        ({"days": ["fri"]}, "2026-01-01T12:00:00Z", 0, False),
    ],
)
def test_a_window_is_open_or_not(window: dict[str, Any], now: str, days_ahead: int, is_open: bool) -> None:
    assert Window(**window).is_open(datetime.fromisoformat(now), timedelta(days=days_ahead)) is is_open


def test_a_rule_keeps_to_its_window_and_is_not_counted_outside() -> None:
    at = replace(world(), clock=FrozenClock(datetime(2026, 1, 1, 1, 0, tzinfo=UTC)))
    rule = {"when": {"window": {"daily": "02:00-04:00"}, "nth": 1}, "then": {"do": "maintenance"}}
    answers = []
    for _ in range(3):
        answers.append(gates(rule, at=at).run(Stage.REQUEST, None, FHIR) is not None)
        assert isinstance(at.clock, FrozenClock)
        at.clock.advance(timedelta(hours=1))
    assert answers == [False, True, False]
