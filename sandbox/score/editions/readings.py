"""Readings: how the rubric is read where its text is ambiguous.

A reading is named as in the edition file (`A8-success-status`); people may also write `A8` or
`success-status`. Checks ask `evidence.reads("A8", "2xx-or-304")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from sandbox.core.errors import UsageError

Chosen = Mapping[str, str]
"""Number of the reading (`A8`) to the value in force."""


class Reading(BaseModel):
    """One ambiguity: the reading in use (`take`), and the others with their meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    take: str
    others: dict[str, str] = {}
    note: str

    @property
    def values(self) -> tuple[str, ...]:
        return (self.take, *self.others)


def number(name: str) -> str:
    """`A8-success-status` → `A8`."""
    return name.partition("-")[0]


def taken(readings: Mapping[str, Reading]) -> dict[str, str]:
    """Return the readings in use, by number."""
    return {number(name): reading.take for name, reading in readings.items()}


def choose(readings: Mapping[str, Reading], name: str, value: str) -> dict[str, Reading]:
    """Return the readings with one changed. Raises UsageError for an unknown name or value."""
    full = _full_name(readings, name)
    reading = readings[full]
    if value not in reading.values:
        values = " or ".join(reading.values)
        raise UsageError(f"the reading {full} is {values}, not {value!r}")
    others = {v: reading.others.get(v, reading.note) for v in reading.values if v != value}
    return {**readings, full: reading.model_copy(update={"take": value, "others": others})}


def parse(words: Iterable[str]) -> list[tuple[str, str]]:
    """Parse `NAME=VALUE` words of the command line. Raises UsageError."""
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"a reading is NAME=VALUE, not {word!r}")
        pairs.append((name, value))
    return pairs


def _full_name(readings: Mapping[str, Reading], name: str) -> str:
    for full in readings:
        if name.lower() in (full.lower(), number(full).lower(), full.partition("-")[2]):
            return full
    raise UsageError(f"no reading {name!r}; use one of {', '.join(readings)}")
