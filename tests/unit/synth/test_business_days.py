"""Business days against the federal holidays as published by the Office of Personnel Management."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sandbox.synth.claims import business_days

# year → observed holidays, in the order of the year: those of the next New Year in December included
PUBLISHED = {
    2016: "01-01 01-18 02-15 05-30 07-04 09-05 10-10 11-11 11-24 12-26",
    2017: "01-02 01-16 02-20 05-29 07-04 09-04 10-09 11-10 11-23 12-25",
    2018: "01-01 01-15 02-19 05-28 07-04 09-03 10-08 11-12 11-22 12-25",
    2019: "01-01 01-21 02-18 05-27 07-04 09-02 10-14 11-11 11-28 12-25",
    2020: "01-01 01-20 02-17 05-25 07-03 09-07 10-12 11-11 11-26 12-25",
    2021: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2022: "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
    2023: "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    2025: "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
    2029: "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-12 11-22 12-25",
    2030: "01-01 01-21 02-18 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_holidays_are_the_published_ones(year: int) -> None:
    assert [f"{day:%m-%d}" for day in sorted(business_days.holidays(year))] == PUBLISHED[year].split()


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2025-11-03", "2025-11-04"),  # a Monday
        ("2025-11-07", "2025-11-10"),  # a Friday
        ("2025-11-08", "2025-11-10"),  # a Saturday
        ("2025-11-10", "2025-11-12"),  # before Veterans Day
        ("2025-11-26", "2025-11-28"),  # before Thanksgiving
        ("2026-07-02", "2026-07-06"),  # Independence Day on a Saturday
        ("2021-12-30", "2022-01-03"),  # New Year observed in the old year
        ("2020-06-18", "2020-06-19"),  # before Juneteenth was a holiday
    ],
)
def test_the_business_day_after(day: str, following: str) -> None:
    assert business_days.after(date.fromisoformat(day)) == date.fromisoformat(following)


def test_no_gap_between_business_days_is_longer_than_four_days() -> None:
    day = date(2016, 1, 1)
    while day < date(2031, 1, 1):
        following = business_days.after(day)
        assert timedelta(days=1) <= following - day <= timedelta(days=4)
        assert business_days.is_open(following)
        day += timedelta(days=1)
