"""Dials: the parameters that a scenario declares, how their values are written, where they go.

A value is written the same in a path, a header, a flag and a file. In a scenario `$name` stands for
the whole of a value (never a part of a text), so that types are kept; `$$` begins a text with a `$`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sandbox.core.clock import duration

Kind = Literal["number", "integer", "duration", "choice", "text"]
Written = str | int | float
Filled = str | int | float

NAME = r"[a-z][a-z0-9_]*"
VALUE = r"(?:[A-Za-z0-9:_+-]|\.(?=[0-9]))+"
"""What a value may hold wherever it is written. A dot belongs to a value only before a digit."""

_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_VALUE = re.compile(VALUE)
_REFERENCE = re.compile(rf"\$({NAME})")


class Parameter(BaseModel):
    """One dial. `min` and `max` bound numbers, integers and durations; a duration is written as ISO
    8601 (PT5M) and stands for its seconds; `choices` are the values of a choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    default: Written
    min: Written | None = None
    max: Written | None = None
    choices: list[str] = []
    help: str = Field(max_length=110, description="one line that says what it changes")

    @model_validator(mode="after")
    def _sound(self) -> Parameter:
        if self.kind in ("choice", "text") and (self.min is not None or self.max is not None):
            raise ValueError(f"a {self.kind} has no min or max")
        if (self.kind == "choice") is not bool(self.choices):
            raise ValueError("choices are for a choice, and a choice needs them")
        for bound in ("min", "max", "default"):
            value = getattr(self, bound)
            if value is not None:
                self._parsed(str(value))
        self.read(str(self.default))
        return self

    def read(self, text: str) -> str:
        """The value in its one canonical spelling. Raises ValueError saying what would do."""
        value = self._parsed(text)
        if self.kind not in ("choice", "text"):
            low, high = (None if b is None else self._parsed(str(b)) for b in (self.min, self.max))
            if (low is not None and value < low) or (high is not None and value > high):
                raise ValueError(f"is {self.range}, not {text[:40]}")
        return self._spelled(value)

    def filled(self, text: str) -> Filled:
        """What a canonical value puts into the scenario: a number (seconds of a duration) or a text."""
        value = self._parsed(text)
        if isinstance(value, str):
            return value
        exact = Decimal(str(value.total_seconds())) if isinstance(value, timedelta) else value
        return int(exact) if exact == int(exact) else float(exact)

    @property
    def range(self) -> str:
        """For people: "0.1 to 120", "at least 1", "one of a, b"."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        what = {"number": "a number", "integer": "a whole number", "duration": "a duration"}.get(
            self.kind, "letters, digits and :_+-"
        )
        if self.min is not None and self.max is not None:
            return f"{what} from {self.min} to {self.max}"
        if self.min is not None:
            return f"{what}, at least {self.min}"
        return what if self.max is None else f"{what}, at most {self.max}"

    @property
    def extremes(self) -> list[str]:
        """The values that a check should try: both ends, or every choice."""
        return self.choices or [str(b) for b in (self.min, self.max) if b is not None]

    def _parsed(self, text: str) -> Any:
        if self.kind in ("number", "integer"):
            if not _NUMBER.fullmatch(text) or (self.kind == "integer" and "." in text):
                raise ValueError(f"is {self.range}, not {text[:40]!r}")
            return Decimal(text)
        if self.kind == "duration":
            return duration(text)
        if not _VALUE.fullmatch(text) or (self.choices and text not in self.choices):
            raise ValueError(f"is {self.range}, not {text[:40]!r}")
        return text

    def _spelled(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, timedelta):
            return spelled(value)
        return format(value.normalize() + 0, "f")


Parameters = dict[Annotated[str, Field(pattern=f"^{NAME}$")], Parameter]


def spelled(span: timedelta) -> str:
    """A duration in its one spelling: P90D, PT5M, P1DT0.5S."""
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    exact = Decimal(seconds) + Decimal(span.microseconds) / 1_000_000
    time = "".join(
        f"{format(n.normalize() + 0, 'f') if isinstance(n, Decimal) else n}{unit}"
        for n, unit in ((hours, "H"), (minutes, "M"), (exact, "S"))
        if n
    )
    day = f"{span.days}D" if span.days else ""
    return f"{sign}P{day}{'T' + time if time else ''}" if day or time else "PT0S"


def fill(node: Any, values: Mapping[str, Filled], where: str = "") -> Any:
    """The same structure with every `$name` replaced. Raises PydanticCustomError naming the place."""
    if isinstance(node, dict):
        return {key: fill(each, values, f"{where}.{key}".lstrip(".")) for key, each in node.items()}
    if isinstance(node, list):
        return [fill(each, values, f"{where}.{number}") for number, each in enumerate(node)]
    if not isinstance(node, str) or not node.startswith("$"):
        return node
    if node.startswith("$$"):
        return node[1:]
    found = _REFERENCE.fullmatch(node)
    if found is None:
        return node
    if found[1] not in values:
        known = f"parameters are {', '.join(values)}" if values else "it declares no parameters"
        raise PydanticCustomError(
            "unknown_parameter",
            "{where}: {name} is no parameter of this scenario; {known}",
            {"where": where, "name": node, "known": known},
        )
    return values[found[1]]
