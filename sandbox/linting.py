"""`scenarios lint` and `scenarios schema`: what needs both the catalogue and the rubric."""

from __future__ import annotations

from pathlib import Path

from sandbox.core.files import json_pretty
from sandbox.faults.catalog import read
from sandbox.faults.scenario import Scenario
from sandbox.score import rubric

EDITION = "2025-05"


def lint(path: Path) -> list[str]:
    """Complaints about a scenario file; none when it is well."""
    found = read(path)
    if isinstance(found, list):
        return found
    most = {metric.id: metric.points for metric in rubric.load(EDITION).metrics}
    return [
        f"{path.name}: expect.{metric}: "
        + (
            f"{points:g} is not between 0 and {most[metric]}"
            if metric in most
            else f"no such metric in {EDITION}"
        )
        for metric, points in found.expect.items()
        if not 0 <= points <= most.get(metric, -1)
    ]


def schema() -> bytes:
    """The JSON Schema of a scenario file."""
    described = Scenario.model_json_schema()
    return json_pretty({"$schema": "https://json-schema.org/draft/2020-12/schema", **described})
