"""An edition applied to evidence: check → verdict × bands → card. Pure.

`checks/<metric>.py` is found by the metric's name.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from sandbox.score.card import Card, Line
from sandbox.score.edition import Edition, Metric, known_editions, load
from sandbox.score.evidence import Evidence, Verdict

__all__ = ["Card", "Check", "Edition", "check_of", "grade_evidence", "known_editions", "load"]


class Check(Protocol):
    """What a module in `checks` offers."""

    NEEDS: tuple[str, ...]

    def judge(self, evidence: Evidence) -> Verdict: ...


def check_of(metric: str) -> Check:
    """The check of a metric, found by its file's name."""
    module = importlib.import_module(f"sandbox.score.checks.{metric.replace('-', '_')}")
    return cast(Check, module)


def grade_evidence(edition: Edition, evidence: Evidence) -> Card:
    """Judge every metric of the edition on this evidence."""
    lines = tuple(
        _line(metric, area.title, check_of(metric.id).judge(evidence))
        for area in edition.areas
        for metric in area.metrics
    )
    return Card(edition.id, evidence.target, edition.max, lines, edition.vendor, evidence.taken)


def _line(metric: Metric, area: str, verdict: Verdict) -> Line:
    points, band = (0, "unseen") if verdict.source == "unseen" else metric.award(verdict.value)
    return Line(
        metric.id,
        metric.title,
        area,
        points,
        metric.points,
        band,
        verdict.value,
        verdict.n,
        verdict.source,
        verdict.reason,
        metric.fix if points < metric.points else "",
        "vendor" in metric.audience,
        verdict.disagreement,
        metric.unit,
    )
