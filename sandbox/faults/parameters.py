"""The parameters that a scenario declares, and how their values are written and used.

A value is written the same in a path, a header, an option and a file. In a scenario `$name` is replaced
by the value and must be the entire text, so that types are kept; `$$` begins a text with a `$`.
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
"""The characters of a value. A dot belongs to a value only before a digit."""

_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_VALUE = re.compile(VALUE)
_REFERENCE = re.compile(rf"\$({NAME})")


class Parameter(BaseModel):
    """A parameter. `min` and `max` limit numbers, integers and durations; `choices` lists the values of a
    choice. A duration is written as ISO 8601 (PT5M), and its value is its seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    default: Written
    min: Written | None = None
    max: Written | None = None
    choices: list[str] = []
    help: str = Field(max_length=110, description="what it changes, in one line")

    @model_validator(mode="after")
    def _is_consistent(self) -> Parameter:
        if self.kind in ("choice", "text") and (self.min is not None or self.max is not None):
            raise ValueError(f"a {self.kind} has no min or max")
        if (self.kind == "choice") is not bool(self.choices):
            raise ValueError("a choice has choices, and other kinds have none")
        for bound in ("min", "max", "default"):
            value = getattr(self, bound)
            if value is not None:
                self._parse(str(value))
        self.normalize(str(self.default))
        return self

    def normalize(self, text: str) -> str:
        """Return the value in its normal form. Raises ValueError with the valid range."""
        value = self._parse(text)
        if self.kind not in ("choice", "text"):
            low, high = (None if b is None else self._parse(str(b)) for b in (self.min, self.max))
            if (low is not None and value < low) or (high is not None and value > high):
                raise ValueError(f"is {self.range}, not {text[:40]}")
        if isinstance(value, str):
            return value
        return format_duration(value) if isinstance(value, timedelta) else format(value.normalize() + 0, "f")

    @property
    def default_text(self) -> str:
        """The default in its normal form."""
        return self.normalize(str(self.default))

    def to_value(self, text: str) -> Filled:
        """Return what `$name` is replaced by: a number (the seconds of a duration) or a text."""
        value = self._parse(text)
        if isinstance(value, str):
            return value
        exact = Decimal(str(value.total_seconds())) if isinstance(value, timedelta) else value
        return int(exact) if exact == int(exact) else float(exact)

    @property
    def range(self) -> str:
        """The valid values in words: "a number from 0.1 to 120", "one of a, b"."""
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
        """The values that a check should try: both limits, or every choice."""
        return self.choices or [str(b) for b in (self.min, self.max) if b is not None]

    def _parse(self, text: str) -> Any:
        if self.kind in ("number", "integer"):
            if not _NUMBER.fullmatch(text) or (self.kind == "integer" and "." in text):
                raise ValueError(f"is {self.range}, not {text[:40]!r}")
            return Decimal(text)
        if self.kind == "duration":
            return duration(text)
        if not _VALUE.fullmatch(text) or (self.choices and text not in self.choices):
            raise ValueError(f"is {self.range}, not {text[:40]!r}")
        return text


Parameters = dict[Annotated[str, Field(pattern=f"^{NAME}$")], Parameter]


def format_duration(span: timedelta) -> str:
    """Return a duration in its normal form: P90D, PT5M, P1DT0.5S."""
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    exact = f"{seconds}.{span.microseconds:06}".rstrip("0").rstrip(".")
    units = ((str(hours), "H"), (str(minutes), "M"), (exact, "S"))
    time = "".join(f"{number}{unit}" for number, unit in units if number != "0")
    day = f"{span.days}D" if span.days else ""
    return f"{sign}P{day}{'T' + time if time else ''}" if day or time else "PT0S"


def fill(node: Any, values: Mapping[str, Filled], where: str = "") -> Any:
    """Return the structure with every `$name` replaced. Raises PydanticCustomError with the place."""
    if isinstance(node, dict):
        return {key: fill(value, values, f"{where}.{key}".lstrip(".")) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(item, values, f"{where}.{number}") for number, item in enumerate(node)]
    if not isinstance(node, str):
        return node
    if node.startswith("$$"):
        return node[1:]
    reference = _REFERENCE.fullmatch(node)
    if reference is None:
        return node
    if reference[1] not in values:
        names = f"parameters are {', '.join(values)}" if values else "it declares no parameters"
        raise PydanticCustomError(
            "unknown_parameter",
            "{where}: {name} is no parameter of this scenario; {names}",
            {"where": where, "name": node, "names": names},
        )
    return values[reference[1]]
