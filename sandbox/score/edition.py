"""An edition of the rubric as data: areas, metrics, points, bands. Files are read strictly.

The edition file holds the only weights; what it says is explained at its top.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sandbox.core import files
from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.evidence import Value

EDITIONS = Path(__file__).parent / "editions"
Audience = Literal["payer", "vendor"]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Band(_Read):
    """One row: the first whose test holds wins. `key` matches a band's key; the others a number."""

    points: int
    band: str
    key: str | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    rest: bool = False

    @model_validator(mode="after")
    def _one_test(self) -> Band:
        tests = [
            self.key is not None,
            self.ge is not None,
            self.lt is not None,
            self.le is not None,
            self.rest,
        ]
        if sum(tests) != 1:
            raise ValueError("a band has exactly one of key, ge, lt, le, rest")
        return self

    def holds(self, value: Value) -> bool:
        if isinstance(value, str):
            return self.key == value
        if isinstance(value, tuple) or self.key is not None:
            return False
        number = Fraction(value)
        if self.ge is not None:
            return number >= Fraction(self.ge)
        if self.lt is not None:
            return number < Fraction(self.lt)
        return self.rest or (self.le is not None and number <= Fraction(self.le))


class Metric(_Read):
    """One line of the rubric. Either `bands`, or `adds` points for each name that was found."""

    id: str
    title: str
    points: int
    audience: list[Audience]
    classes: str
    unit: str = ""
    bands: list[Band] = []
    adds: dict[str, int] = {}
    why: str
    fix: str
    cites: list[str]

    def award(self, value: Value) -> tuple[int, str]:
        """Points and the band's words. Raises UsageError when no band fits: a gap in the edition."""
        if isinstance(value, tuple):
            found = [name for name in self.adds if name in value]
            return sum(self.adds[name] for name in found), ", ".join(found) or "none"
        for band in self.bands:
            if band.holds(value):
                return band.points, band.band
        raise UsageError(f"the edition has no band of {self.id} for {value!r}")


class Area(_Read):
    id: str
    title: str
    metrics: list[Metric]


class Vendor(_Read):
    """The vendor's sub-total: as marked in the report, and the reading that reaches its stated sum."""

    max: int
    stated_max: int
    stated_adds: list[str]
    note: str


class Edition(_Read):
    """One edition. `readings` names, for each ambiguity, the reading that was taken and its others."""

    id: str
    title: str
    source: str
    max: int
    window_days: int
    vendor: Vendor
    readings: dict[str, str]
    areas: list[Area]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for area in self.areas for metric in area.metrics)


def known_editions() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in EDITIONS.glob("*.yaml")))


def load(edition: str) -> Edition:
    """An edition by its id. Raises UsageError for an unknown one, FileProblem for a malformed one."""
    if edition not in known_editions():
        raise UsageError(f"no edition {edition!r}: known are {', '.join(known_editions())}")
    path = EDITIONS / f"{edition}.yaml"
    try:
        return Edition.model_validate(files.read_yaml(path))
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FileProblem(f"{path.name}: {where}: {first['msg']}") from None
