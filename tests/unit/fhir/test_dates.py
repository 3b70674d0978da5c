"""FHIR dates: each precision is a range; prefixes compare ranges; SQL agrees with the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fhir.fhir_samples import condition, eob

from sandbox.fhir import dates
from sandbox.fhir.schema.paths import extract
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build

NOW = dates.milliseconds(datetime(2025, 6, 1, tzinfo=UTC))


def ms(*parts: int) -> int:
    return dates.milliseconds(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", ms(2024, 1, 1), ms(2025, 1, 1)),
        ("2024-02", ms(2024, 2, 1), ms(2024, 3, 1)),
        ("2023-02", ms(2023, 2, 1), ms(2023, 3, 1)),
        ("2024-12", ms(2024, 12, 1), ms(2025, 1, 1)),
        ("2024-02-29", ms(2024, 2, 29), ms(2024, 3, 1)),
        ("2024-02-29T10:30", ms(2024, 2, 29, 10, 30), ms(2024, 2, 29, 10, 31)),
        ("2024-02-29T10:30:15", ms(2024, 2, 29, 10, 30, 15), ms(2024, 2, 29, 10, 30, 16)),
        ("2024-02-29T10:30:15Z", ms(2024, 2, 29, 10, 30, 15), ms(2024, 2, 29, 10, 30, 16)),
        ("2024-02-29T00:30:15+05:30", ms(2024, 2, 28, 19, 0, 15), ms(2024, 2, 28, 19, 0, 16)),
        ("2024-02-29T23:30:00-05:00", ms(2024, 3, 1, 4, 30), ms(2024, 3, 1, 4, 30, 1)),
        ("2024-02-29T10:30:15.250Z", ms(2024, 2, 29, 10, 30, 15) + 250, ms(2024, 2, 29, 10, 30, 15) + 251),
        ("1969-12-31", -86_400_000, 0),
        ("9999", ms(9999, 1, 1), ms(9999, 12, 31) + 86_400_000),
        ("9999-12", ms(9999, 12, 1), ms(9999, 12, 31) + 86_400_000),
        ("9999-12-31", ms(9999, 12, 31), ms(9999, 12, 31) + 86_400_000),
    ],
)
def test_a_date_of_any_precision_is_the_range_it_stands_for(text: str, low: int, high: int) -> None:
    assert dates.parse(text) == (low, high)


@pytest.mark.parametrize(
    "text",
    [
        "", "24", "2024-1", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "0000", "20240101",
        "2024-01-01T", "2024-01-01T10", "2024-01-01T24:00:00Z", "2024-01-01T10:60", "2024-01-01 10:00",
        "2024-01-01T10:00:00+24:00", "2024-01-01T10:00:00+05:75", "2024-01-01Z", "٢٠٢٤", "2024\n", "now",
    ],
)  # fmt: skip
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the texts are Python's own
        dates.parse(text)


@settings(deadline=None)
@given(
    st.text(max_size=30) | st.from_regex(r"\d{4}(-\d\d){0,2}(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
)
def test_any_text_is_a_range_or_a_value_error(text: str) -> None:
    try:
        low, high = dates.parse(text)
    except (ValueError, OverflowError):
        return
    assert -dates.FOREVER < low < high < dates.FOREVER


def test_an_open_period_reaches_for_ever() -> None:
    assert dates.ranges({"start": "2024"}) == [(ms(2024, 1, 1), dates.FOREVER)]
    assert dates.ranges({"end": "2024"}) == [(-dates.FOREVER, ms(2025, 1, 1))]
    assert dates.ranges({"start": "2024-01", "end": "2024-03"}) == [(ms(2024, 1, 1), ms(2024, 4, 1))]


@pytest.mark.parametrize(
    ("timing", "low", "high"),
    [
        ({"event": ["2024-03-05", "2024-01"]}, ms(2024, 1, 1), ms(2024, 3, 6)),
        ({"repeat": {"boundsPeriod": {"start": "2024-02"}}}, ms(2024, 2, 1), dates.FOREVER),
        (
            {"event": ["2024-01-01"], "repeat": {"boundsPeriod": {"start": "2024-02", "end": "2024-03"}}},
            ms(2024, 1, 1),
            ms(2024, 4, 1),
        ),
    ],
)
def test_a_timing_reaches_over_its_outer_limits(timing: dict[str, Any], low: int, high: int) -> None:
    assert dates.ranges(timing) == [(low, high)]


@pytest.mark.parametrize(
    "value",
    [
        "childhood",
        {"value": 3, "unit": "a"},
        {"low": {"value": 1}},
        5,
        None,
        {},
        {"repeat": {"count": 3}},
        {"code": {"text": "daily"}},
        {"event": "2024"},
    ],
)
def test_an_element_that_is_no_date_has_no_range(value: Any) -> None:
    assert dates.ranges(value) == []


def test_an_onset_in_words_is_not_indexed_and_breaks_nothing() -> None:
    rows = list(extract(condition(onsetString="childhood", recordedDate="2024-01-01")))
    assert [row.param for row in rows if row.kind == "date"] == ["_lastUpdated", "recorded-date"]


def holds(prefix: str, target: dates.Range, wanted: dates.Range, now: int) -> bool:
    """Whether a resource's range answers `<prefix><asked>`: the meaning that SQL must share."""
    low, high = target
    start, end = wanted
    if prefix == "ap":
        start, end = dates.widen(wanted, now)
        return low < end and start < high
    return {
        "eq": start <= low and high <= end,
        "ne": not (start <= low and high <= end),
        "gt": high > end,
        "ge": high > end or (start <= low and high <= end),
        "lt": low < start,
        "le": low < start or (start <= low and high <= end),
        "sa": low >= end,
        "eb": high <= start,
    }[prefix]


MARCH = dates.parse("2024-03")


@pytest.mark.parametrize(
    ("target", "true_for"),
    [
        ("2024-03-15", "eq ge le ap"),
        ("2024-03", "eq ge le ap"),
        ("2024-02-29", "ne lt le eb ap"),
        ("2024-04-01", "ne gt ge sa ap"),
        ("2024", "ne gt lt ge le ap"),
        ("2020-01-01", "ne lt le eb"),
    ],
)
def test_prefixes_compare_ranges(target: str, true_for: str) -> None:
    found = {p for p in dates.PREFIXES if holds(p, dates.parse(target), MARCH, NOW)}
    assert found == set(true_for.split())


_START = datetime(2023, 1, 1, tzinfo=UTC)
_MOMENTS = st.integers(0, 1096 * 24 * 60).map(lambda minutes: _START + timedelta(minutes=minutes))
_PRECISION = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])
_TEXTS = st.builds(lambda at, how: at.strftime(how), _MOMENTS, _PRECISION)


@st.composite
def _periods(draw: st.DrawFn) -> dict[str, str]:
    start = draw(_MOMENTS)
    end = start + timedelta(days=draw(st.integers(0, 400)))
    both = {"start": start.strftime("%Y-%m-%d"), "end": end.strftime("%Y-%m-%d")}
    kept = draw(st.sampled_from([("start", "end"), ("start",), ("end",)]))
    return {name: both[name] for name in kept}


@settings(max_examples=12, deadline=None)
@given(st.lists(_periods(), min_size=1, max_size=12), st.lists(_TEXTS, min_size=1, max_size=6))
def test_sql_finds_what_the_model_of_dates_says(periods: list[dict[str, str]], asked: list[str]) -> None:
    resources = [eob(f"e{n}", billablePeriod=period, item=[]) for n, period in enumerate(periods)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "library.db"
        build(path, [(None, resources)])
        library = SqlLibrary(path)
        for text in asked:
            for prefix in dates.PREFIXES:
                query = parse("ExplanationOfBenefit", [("service-date", prefix + text)])
                found = {s.id for s in library.search(query, NOW).matches}
                wanted = {
                    r["id"]
                    for r in resources
                    if holds(prefix, dates.ranges(r["billablePeriod"])[0], dates.parse(text), NOW)
                }
                assert found == wanted, (prefix, text)
        library.after_fork()
