"""A card compared with another one, metric by metric, and with the thresholds of a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.core.text import quantity
from sandbox.score.findings import LEVELS
from sandbox.score.report.card_file import CardFile


@dataclass(frozen=True)
class Change:
    """One metric on both cards. `before` or `after` is None where a card lacks it."""

    metric: str
    before: int | None
    after: int | None
    max: int
    why: str
    seen_before: bool = True
    seen_after: bool = True

    @property
    def by(self) -> int:
        return (self.after or 0) - (self.before or 0)

    @property
    def fell(self) -> bool:
        """Whether points were lost to something that was seen."""
        return self.by < 0 and self.seen_after


@dataclass(frozen=True)
class Comparison:
    """Two cards, and the change of every metric."""

    before: CardFile
    after: CardFile
    changes: tuple[Change, ...]
    new_lint: tuple[str, ...]
    gone_lint: tuple[str, ...]

    @property
    def by(self) -> int:
        return self.after.score - self.before.score

    @property
    def fell(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.fell)

    @property
    def moved(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if c.by or c.seen_before != c.seen_after)


def compare(before: CardFile, after: CardFile) -> Comparison:
    """Compare two cards. Raises UsageError for cards of different editions."""
    if before.edition != after.edition:
        raise UsageError(
            f"cards of different editions cannot be compared: {before.edition} and {after.edition}"
        )
    old = {entry.id: entry for entry in before.metrics}
    new = {entry.id: entry for entry in after.metrics}
    changes = []
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        changes.append(
            Change(
                name,
                was.points if was else None,
                now.points if now else None,
                max(entry.max for entry in (was, now) if entry),
                now.reason if now else "no longer on the card",
                was is not None and was.source != "unseen",
                now is not None and now.source != "unseen",
            )
        )
    had, has = {f.rule for f in before.lint}, {f.rule for f in after.lint}
    return Comparison(before, after, tuple(changes), tuple(sorted(has - had)), tuple(sorted(had - has)))


def to_data(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain JSON types."""
    return {
        "edition": comparison.after.edition,
        "before": {"target": comparison.before.target, "score": comparison.before.score},
        "after": {"target": comparison.after.target, "score": comparison.after.score},
        "by": comparison.by,
        "metrics": [
            {
                "id": change.metric,
                "before": change.before,
                "after": change.after,
                "max": change.max,
                "by": change.by,
                "fell": change.fell,
                "reason": change.why,
            }
            for change in comparison.changes
        ],
        "lint": {"new": list(comparison.new_lint), "gone": list(comparison.gone_lint)},
    }


@dataclass(frozen=True)
class Gate:
    """The thresholds that a card must reach.

    `points`: metric → the least points it must have. `level`: no finding of this level or a graver one is
    allowed; empty when all are.
    """

    score: float | None = None
    points: Mapping[str, int] = field(default_factory=dict)
    level: str = ""

    def failures(self, score: int, points: Mapping[str, int], levels: Iterable[str]) -> list[str]:
        """Return what fails, one line each. `levels`: the level of each finding."""
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


def parse_gate(fail_under: float | None, words: Iterable[str], most: Mapping[str, int]) -> Gate:
    """Parse a least score, and words that are `metric:points` or a level. `most`: metric → its maximum.

    Raises UsageError.
    """
    least, level = {}, ""
    for word in words:
        if word in LEVELS:
            level = max(level, word, key=("", *LEVELS).index)
            continue
        metric, colon, points = word.partition(":")
        if metric not in most:
            names = ", ".join((*LEVELS, *most))
            raise UsageError(f"--fail-on {word}: no metric or level {metric!r}; use one of {names}")
        if not colon or not points.isdecimal() or not 1 <= int(points) <= most[metric]:
            raise UsageError(f"--fail-on {word}: metric:points, with 1 to {most[metric]} points")
        least[metric] = int(points)
    return Gate(fail_under, least, level)
