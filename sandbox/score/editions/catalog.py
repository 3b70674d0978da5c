"""Load editions of the rubric: those in this folder, and files of the user's own.

A file is a complete edition, or changes of a known one:

    extends: "2025-05"
    id: ours
    weights: {status: 5, sync-speed: 20}     # bands keep their share, rounded to whole points
    readings: {A8-success-status: 2xx-or-304}
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem, UsageError, describe_first
from sandbox.score.editions import readings as reading
from sandbox.score.editions.edition import Edition, Metric

EDITIONS = Path(__file__).parent
CHECKS = Path(__file__).parents[1] / "checks"


class Changes(BaseModel):
    """A file that changes a known edition."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    extends: str
    id: str
    title: str = ""
    weights: dict[str, int] = Field(default={})
    readings: dict[str, str] = {}


def known_editions() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in EDITIONS.glob("*.yaml")))


def withheld_editions() -> dict[str, str]:
    """Return the editions that exist and cannot be graded: id → reason."""
    entries = (files.read_yaml(path) for path in sorted((EDITIONS / "withheld").glob("*.yaml")))
    return {entry["id"]: entry["reason"] for entry in entries}


def load(edition: str, chosen: Iterable[tuple[str, str]] = ()) -> Edition:
    """Load an edition by its id or from a YAML file. `chosen` readings replace its own.

    Raises UsageError for an unknown edition, reading or value, and for an edition whose bands are not
    public; FileProblem for a malformed file.
    """
    is_file = edition.endswith((".yaml", ".yml"))
    return _with(_read(Path(edition)) if is_file else _load_known(edition), chosen)


def _load_known(edition: str) -> Edition:
    if edition in known_editions():
        return _read(EDITIONS / f"{edition}.yaml")
    if why := withheld_editions().get(edition):
        raise UsageError(f"edition {edition} cannot be graded: {why}; {_known()}")
    raise UsageError(f"no edition {edition!r}; {_known()}")


def _known() -> str:
    return f"use {', '.join(known_editions())}"


def _with(rules: Edition, chosen: Iterable[tuple[str, str]]) -> Edition:
    readings = rules.readings
    for name, value in chosen:
        readings = reading.choose(readings, name, value)
    return rules.model_copy(update={"readings": readings})


def _read(path: Path) -> Edition:
    data = files.read_yaml(path)
    try:
        if isinstance(data, dict) and "extends" in data:
            return _changed(Changes.model_validate(data))
        rules = Edition.model_validate(data)
    except ValidationError as problem:
        raise FileProblem(f"{path.name}: {describe_first(problem, 'the edition')}") from None
    except UsageError as problem:
        raise FileProblem(f"{path.name}: {problem}") from None
    checks = {check.stem.replace("_", "-") for check in CHECKS.glob("[a-z]*.py")}
    unknown = [metric.id for metric in rules.metrics if metric.id not in checks]
    if unknown:
        raise FileProblem(f"{path.name}: there is no check of {', '.join(unknown)}")
    return rules


def _changed(changes: Changes) -> Edition:
    base = _with(_load_known(changes.extends), changes.readings.items())
    ids = {metric.id for metric in base.metrics}
    for name, points in changes.weights.items():
        if name not in ids:
            raise UsageError(f"weights.{name}: no such metric")
        if points < 0:
            raise UsageError(f"weights.{name}: {points} points")
    areas = [
        area.model_copy(
            update={"metrics": [_weighed(m, changes.weights.get(m.id, m.points)) for m in area.metrics]}
        )
        for area in base.areas
    ]
    edition = base.model_copy(update={"id": changes.id, "title": changes.title or changes.id, "areas": areas})
    marked = sum(m.points for m in edition.metrics if "vendor" in m.audience)
    added = sum(m.points for m in edition.metrics if m.id in base.vendor.stated_adds)
    vendor = base.vendor.model_copy(update={"max": marked, "stated_max": marked + added})
    return edition.model_copy(update={"max": sum(m.points for m in edition.metrics), "vendor": vendor})


def _weighed(metric: Metric, points: int) -> Metric:
    """Return the metric with another maximum. Each band keeps its share of it."""
    if points == metric.points:
        return metric

    def share(had: int) -> int:
        return math.floor(Fraction(had * points, metric.points) + Fraction(1, 2)) if metric.points else 0

    changes: dict[str, Any] = {
        "points": points,
        "bands": [band.model_copy(update={"points": share(band.points)}) for band in metric.bands],
        "extra": [band.model_copy(update={"points": share(band.points)}) for band in metric.extra],
    }
    if metric.adds:
        reached, before, adds = 0, 0, {}
        for name, had in metric.adds.items():
            reached += had
            adds[name] = share(reached) - before
            before = share(reached)
        changes["adds"] = adds
    return metric.model_copy(update=changes)
