"""Time: durations people write, clocks that are moved, the day the data is built around."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.core.clock import FrozenClock, OffsetClock, SystemClock, anchor, duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("P90D", timedelta(days=90)),
        ("PT5M", timedelta(minutes=5)),
        ("-P1D", timedelta(days=-1)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("PT0S", timedelta()),
        ("PT36H", timedelta(hours=36)),
    ],
)
def test_a_duration_is_read(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "P1M",
        "P1Y",
        "1D",
        "P1.5D",
        "PT1H2",
        "P-1D",
        "PT5M ",
        "p1d",
        "PT1S1M",
        "P٣D",
        "P9999999999D",
    ],
)
def test_what_is_no_duration_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|calendar"):
        duration(text)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.booleans())
def test_every_duration_is_the_sum_of_its_parts(d: int, h: int, m: int, s: int, negative: bool) -> None:
    span = timedelta(days=d, hours=h, minutes=m, seconds=s)
    assert duration(f"{'-' * negative}P{d}DT{h}H{m}M{s}S") == (-span if negative else span)


@settings(deadline=None)
@given(st.text(max_size=12) | st.from_regex(r"-?P[0-9TDHMSW.]{0,12}", fullmatch=True))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(duration(text), timedelta)


def test_the_data_is_built_around_the_first_of_the_month() -> None:
    assert anchor(FrozenClock(datetime(2025, 2, 28, 23, 59, tzinfo=UTC))) == date(2025, 2, 1)


def test_an_offset_clock_is_another_clock_moved() -> None:
    base = FrozenClock(datetime(2025, 1, 1, tzinfo=UTC))
    moved = OffsetClock(base, timedelta(days=90))
    base.advance(timedelta(hours=1))
    assert moved.now() == datetime(2025, 4, 1, 1, tzinfo=UTC)


def test_the_machines_clock_tells_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
