"""The model of an edition of the rubric: areas, metrics, points, bands, readings.

The edition file has the only weights and explains its keys. `catalog.py` loads such files.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.core.errors import UsageError
from sandbox.score.editions.readings import Chosen, Reading, taken
from sandbox.score.evidence import Value

Audience = Literal["payer", "vendor"]


class _EditionModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Band(_EditionModel):
    """One row of a metric; the first that matches wins. `key` and `also` match names, the rest numbers."""

    points: int = Field(ge=0)
    band: str
    key: str | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    is_rest: bool = Field(False, alias="rest")
    also: dict[str, str] = {}
    point: bool = False

    @model_validator(mode="after")
    def _one_test(self) -> Band:
        tests = (self.key, self.ge, self.lt, self.le, self.is_rest or None)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("a band has exactly one of key, ge, lt, le, rest")
        return self

    def holds(self, value: Value, readings: Chosen | None = None, unit: str = "") -> bool:
        if isinstance(value, str):
            return value == self.key or value in self.also
        if isinstance(value, tuple) or self.key is not None:
            return False
        number = Fraction(value)
        if self.ge is not None:
            return self._reached(number, readings or {}, unit)
        if self.lt is not None:
            return number < Fraction(self.lt)
        return self.is_rest or (self.le is not None and number <= Fraction(self.le))

    def _reached(self, number: Fraction, readings: Chosen, unit: str) -> bool:
        """Whether a number reaches the lower edge; readings A1 to A3 apply to rates."""
        edge = Fraction(self.ge or 0)
        if unit != "percent":
            return number >= edge
        if readings.get("A3") == "whole-percent":
            number = Fraction(math.floor(number + Fraction(1, 2)))
        if self.point and readings.get("A2") == "exactly":
            return number == edge
        if readings.get("A1") == "upper-edge-inclusive" and edge:
            return number > edge
        return number >= edge

    def words(self, value: Value) -> str:
        """Return the band's name, or the name of the value in `also`."""
        return self.also.get(value, self.band) if isinstance(value, str) else self.band


class Metric(_EditionModel):
    """One metric: either `bands`, or `adds` with points for each name that was found."""

    id: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    title: str
    points: int = Field(ge=0)
    audience: list[Audience]
    classes: str
    unit: str = ""
    bands: list[Band] = []
    extra: list[Band] = []
    adds: dict[str, int] = {}
    why: str
    fix: str
    cites: list[str]

    @property
    def rows(self) -> int:
        """The number of rows that the report prints; added names have one more, for none of them."""
        return len(self.bands) or len(self.adds) + 1

    def award(self, value: Value, readings: Chosen | None = None) -> tuple[int, str]:
        """Return points and the band's words. Raises UsageError when no band fits (a gap in the edition)."""
        if isinstance(value, tuple):
            names = [name for name in self.adds if name in value]
            return sum(self.adds[name] for name in names), ", ".join(names) or "none"
        for band in (*self.bands, *self.extra):
            if band.holds(value, readings, self.unit):
                return band.points, band.words(value)
        raise UsageError(f"the edition has no band of {self.id} for {value!r}")

    @model_validator(mode="after")
    def _best_is_all(self) -> Metric:
        if bool(self.bands) == bool(self.adds):
            raise ValueError("a metric has either bands or adds")
        best = max((band.points for band in self.bands), default=sum(self.adds.values()))
        if best != self.points:
            raise ValueError(f"{self.id} has {self.points} points, its best band {best}")
        return self


class Area(_EditionModel):
    id: str
    title: str
    metrics: list[Metric]


class Vendor(_EditionModel):
    """The vendor's subtotal: as marked in the report, and as its stated sum reads."""

    max: int
    stated_max: int
    stated_adds: list[str]
    note: str


class Edition(_EditionModel):
    """One edition. `readings` has, for each ambiguity, the reading in use and the others."""

    id: str
    title: str
    source: str
    max: int
    window_days: int = Field(ge=1)
    vendor: Vendor
    readings: dict[str, Reading]
    areas: list[Area]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for area in self.areas for metric in area.metrics)

    @property
    def chosen(self) -> Chosen:
        return taken(self.readings)

    @model_validator(mode="after")
    def _sums(self) -> Edition:
        ids = [metric.id for metric in self.metrics]
        if len(set(ids)) != len(ids):
            raise ValueError("a metric appears twice")
        total = sum(metric.points for metric in self.metrics)
        if total != self.max:
            raise ValueError(f"max is {self.max}, the metrics add up to {total}")
        marked = sum(metric.points for metric in self.metrics if "vendor" in metric.audience)
        if marked != self.vendor.max:
            raise ValueError(f"vendor.max is {self.vendor.max}, the marked metrics add up to {marked}")
        added = sum(metric.points for metric in self.metrics if metric.id in self.vendor.stated_adds)
        if marked + added != self.vendor.stated_max:
            raise ValueError(
                f"vendor.stated_max is {self.vendor.stated_max}, the metrics give {marked + added}"
            )
        return self
