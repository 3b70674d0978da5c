"""FHIR dates as half-open ranges of milliseconds, and how search prefixes compare them.

A partial date is a range: 2024-03 is the whole of March (R4 §3.1.1.4.9 "date").
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sandbox.core.cache import bounded
from sandbox.core.errors import bad_request

Range = tuple[int, int]

FOREVER = 1 << 52
"""Later than any date: the end of a period that has none (and, negated, the start of one)."""

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:[0-5]\d)?)?)?)?",
    re.ASCII,
)
_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 in UTC."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def instant(at: int) -> str:
    """Milliseconds since 1970 as a FHIR instant in UTC."""
    spec = "milliseconds" if at % 1000 else "seconds"
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec=spec).replace("+00:00", "Z")


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


@bounded(1 << 20, 2)
def parse(text: str) -> Range:
    """The range a FHIR date, dateTime or instant stands for. Raises ValueError."""
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError(f"not a FHIR date: {text!r}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    start = datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0").ljust(6, "0")[:6]),
        tzinfo=_zone(zone),
    )
    low = milliseconds(start)
    if fraction:
        return low, low + 1
    if second:
        return low, low + 1000
    if hour:
        return low, low + 60_000
    if day:
        return low, low + _DAY
    if month:
        return low, low + monthrange(start.year, start.month)[1] * _DAY
    return low, low + (366 if isleap(start.year) else 365) * _DAY


def parse_parameter(text: str, name: str, form: str = "a FHIR date") -> Range:
    """Return the range of a parameter's value. Raises BadRequest naming the parameter.

    A space is a + that a client forgot to encode.
    """
    try:
        return parse(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        bad_request(f"The value must be {form}.", name)


def ranges(value: Any) -> list[Range]:
    """Ranges of an element: a date string, a Period, a Timing (its outer limits), or anything else
    (none).

    A string that is no date is "anything else": onset and occurrence may be words ("childhood").
    """
    if isinstance(value, str):
        try:
            return [parse(value)]
        except ValueError:
            return []
    if not isinstance(value, dict):
        return []
    if "start" in value or "end" in value:
        low = parse(value["start"])[0] if "start" in value else -FOREVER
        high = parse(value["end"])[1] if "end" in value else FOREVER
        return [(low, high)]
    return _timing(value)


def _timing(value: dict[str, Any]) -> list[Range]:
    repeat = value.get("repeat")
    bounds = ranges(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else []
    moments = value.get("event")
    events = [r for moment in moments for r in ranges(moment)] if isinstance(moments, list) else []
    both = bounds + events
    return [(min(r[0] for r in both), max(r[1] for r in both))] if both else []


def widen(wanted: Range, now: int) -> Range:
    """`ap` accepts a tenth of the distance between now and the date, and at least a day."""
    slack = max(abs(now - wanted[0]) // 10, _DAY)
    return wanted[0] - slack, wanted[1] + slack
