"""The band matrix: each band of the edition, and a scenario or traffic log that produces it.

`python tests/support/bands.py > docs/bands.md` makes the page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.core.files import read_yaml
from sandbox.score import rubric
from sandbox.score.editions.edition import Metric

TOP = Path(__file__).parents[2]
EDITION = rubric.load("2025-05")


@dataclass(frozen=True)
class Row:
    """A band of a metric, its points, and what lands there: a selection, or a log with claims."""

    metric: str
    band: str
    points: float
    scenario: str = ""
    log: str = ""
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return TOP / "examples" / "traffic" / f"{self.log}.ndjson"


def bands(metric: Metric) -> dict[str, float]:
    """Points by band. Of a metric that adds up, what is left when one of the types is missing."""
    if metric.adds:
        return {name: metric.points - points for name, points in metric.adds.items()} | {"none": 0}
    return {band.band: band.points for band in metric.bands}


def rows() -> Iterator[Row]:
    """The matrix in the edition's order. Raises KeyError for a band that the file does not have."""
    matrix = read_yaml(TOP / "tests" / "scenarios" / "bands.yaml")
    for metric in EDITION.metrics:
        for band, points in bands(metric).items():
            yield Row(metric.id, band, points, **matrix[metric.id][band])


def landed() -> dict[str, dict[str, str]]:
    """By selection: the bands that the matrix says it lands on. Metrics that add up have no band."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    adding = {metric.id for metric in EDITION.metrics if metric.adds}
    for row in rows():
        if row.scenario and row.metric not in adding:
            found[row.scenario][row.metric] = row.band
    return dict(found)


OPENING = """\
# Bands

Find a scenario or a traffic log that produces a given band of a metric, for example to test a report or a
threshold. Grade the path in the last column with `payer-sandbox score`, or one of the logs in
[examples/traffic](../examples/traffic). For some bands the payer's claims count as well. The rows of
carin-resources name the type that is missing.

| metric | band | points | how to produce it |
|---|---|---|---|
"""


def page() -> str:
    """Return docs/bands.md."""
    parts = [OPENING]
    for row in rows():
        told = ", ".join(f"{name}: {_told(value)}" for name, value in row.claims.items())
        how = f"`/s/{row.scenario}/fhir`" if row.scenario else f"`--traffic {row.log}.ndjson`"
        how += f" with claims `{told}`" if told else ""
        parts.append(f"| {row.metric} | {row.band} | {row.points:g} | {how} |\n")
    return "".join(parts)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    print(page(), end="")
