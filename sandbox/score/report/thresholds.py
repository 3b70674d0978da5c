"""Thresholds for a pipeline: a least score, least points of metrics, and the gravest finding allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.core.errors import UsageError
from sandbox.core.text import quantity
from sandbox.score.findings import LEVELS


@dataclass(frozen=True)
class Gate:
    """`points`: metric → the least points it must have. `level`: findings of this level or a graver one
    are too many; empty when none are."""

    score: float | None = None
    points: Mapping[str, int] = field(default_factory=dict)
    level: str = ""

    def failures(self, score: int, points: Mapping[str, int], levels: Iterable[str]) -> list[str]:
        """What does not pass, one line each; empty when all is well. `levels`: that of each finding."""
        failures = []
        if self.score is not None and score < self.score:
            failures.append(f"the score {score} is below {self.score:g}")
        for metric, least in self.points.items():
            if points.get(metric, 0) < least:
                failures.append(
                    f"{metric} has {quantity(points.get(metric, 0), 'point')}, fewer than {least}"
                )
        graver = LEVELS[: LEVELS.index(self.level) + 1] if self.level in LEVELS else ()
        counted = Counter(levels)
        failures += [quantity(counted[level], f"{level} finding") for level in graver if counted[level]]
        return failures


def parse(fail_under: float | None, words: Iterable[str], most: Mapping[str, int]) -> Gate:
    """A gate of a least score and `metric:points` or level words. `most`: metric → its maximum. Raises
    UsageError."""
    least, level = {}, ""
    for word in words:
        if word in LEVELS:
            level = max(level, word, key=("", *LEVELS).index)
            continue
        metric, colon, points = word.partition(":")
        if metric not in most:
            names = ", ".join((*LEVELS, *most))
            raise UsageError(f"--fail-on {word}: no metric or level {metric!r}: known are {names}")
        if not colon or not points.isdecimal() or not 1 <= int(points) <= most[metric]:
            raise UsageError(f"--fail-on {word}: metric:points, with 1 to {most[metric]} points")
        least[metric] = int(points)
    return Gate(fail_under, least, level)
