"""Thresholds for a pipeline: a least score, and least points of single metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.core.errors import UsageError
from sandbox.core.text import quantity


def parse(words: Iterable[str], most: Mapping[str, int]) -> dict[str, int]:
    """`metric:points` words. `most`: metric → its maximum. Raises UsageError."""
    asked = {}
    for word in words:
        metric, colon, points = word.partition(":")
        if metric not in most:
            raise UsageError(f"--fail-on {word}: no metric {metric!r}: known are {', '.join(most)}")
        if not colon or not points.isdecimal() or not 1 <= int(points) <= most[metric]:
            raise UsageError(f"--fail-on {word}: metric:points, with 1 to {most[metric]} points")
        asked[metric] = int(points)
    return asked


def below(
    score: int, points: Mapping[str, int], fail_under: float | None, fail_on: Mapping[str, int]
) -> list[str]:
    """What is below its threshold, one line each; empty when all is well."""
    found = []
    if fail_under is not None and score < fail_under:
        found.append(f"the score {score} is below {fail_under:g}")
    for metric, least in fail_on.items():
        if points.get(metric, 0) < least:
            found.append(f"{metric} has {quantity(points.get(metric, 0), 'point')}, fewer than {least}")
    return found
