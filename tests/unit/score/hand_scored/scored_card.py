"""Examining a hand-scored payer, and comparing its card with what was worked out, metric by metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import grade_in_memory
from scored_payer import Payer

from sandbox.score.card import Card
from sandbox.score.evidence import Evidence

FULL = {
    "status": 10, "sandbox": 6, "capability-statement": 2, "smart-configuration": 2,
    "authorization-success": 14, "refresh-token": 10, "inactive-members": 8, "portal-opt-in": 6,
    "eligibility-errors": 4, "lines-of-business": 3, "request-success": 10, "reference-resolution": 5,
    "carin-resources": 6, "clinical-resources": 4, "sync-speed": 5, "everything": 3, "developer-portal": 2,
}  # fmt: skip
"""The rubric of May 2025, copied by hand: 20 + 45 + 35 = 100."""

MEMBERS_ONLY = (
    *("authorization-success", "refresh-token", "inactive-members", "portal-opt-in", "eligibility-errors"),
    *("lines-of-business", "request-success", "reference-resolution", "carin-resources"),
    *("clinical-resources", "sync-speed", "everything"),
)
"""What only a member can see: 14 + 10 + 8 + 6 + 4 + 3 + 10 + 5 + 6 + 4 + 5 + 3 = 78."""


@dataclass(frozen=True)
class Examined:
    """A card with the evidence behind it."""

    card: Card
    evidence: Evidence

    def earns(
        self,
        *,
        score: int,
        top: int | None = None,
        source: Mapping[str, str] | None = None,
        unseen: tuple[str, ...] = (),
        **points: int,
    ) -> Examined:
        """The points of all metrics are as worked out: full, but for those named (`_` for `-`) and the
        unseen. `source`: of those that are not observed; `sandbox` always is a claim. `top` of the range
        is the score itself unless told."""
        named = {name.replace("_", "-"): n for name, n in points.items()}
        assert set(named) <= set(FULL)
        earned = FULL | named | dict.fromkeys(unseen, 0)
        assert {line.id: line.points for line in self.card.lines} == earned, self.told()
        assert {line.id: line.max for line in self.card.lines} == FULL
        sources = dict.fromkeys(FULL, "observed") | {"sandbox": "declared"} | dict(source or {})
        sources |= dict.fromkeys(unseen, "unseen")
        assert {line.id: line.source for line in self.card.lines} == sources, self.told()
        assert self.card.score == sum(earned.values()) == score
        assert self.card.range == (score, score if top is None else top)
        return self

    def told(self) -> str:
        """The lines of the card that are not full, for a test that fails."""
        lines = [line for line in self.card.lines if line.points < line.max or line.source != "observed"]
        return "\n".join(f"{n.id}: {n.points} of {n.max} ({n.source}) {n.reason}" for n in lines)

    @property
    def findings(self) -> list[str]:
        """Everything that is said beside the points: contradictions, and rules that did not hold."""
        lint = [f"{found.level} {found.rule}: {found.text} {found.where}" for found in self.card.lint]
        return [*self.card.findings, *lint]

    def finds(self, *words: str, level: str = "") -> Examined:
        """Some finding (of that level) has all these words, whatever their case."""
        told = [text.lower() for text in self.findings if text.startswith(level)]
        assert [text for text in told if all(word.lower() in text for word in words)], self.findings
        return self

    def reason(self, metric: str) -> str:
        return next(line.reason for line in self.card.lines if line.id == metric)

    def n(self, metric: str) -> int:
        return next(line.n for line in self.card.lines if line.id == metric)

    def value(self, metric: str) -> Any:
        return next(line.value for line in self.card.lines if line.id == metric)


def examine(payer: Payer, *, facts: Path | None = None, **options: Any) -> Examined:
    """Grade a payer in memory. Its locks, which cost no points, are tried only where `probes` says so."""
    options = {"probes": False, "facts": facts, **options}
    return Examined(*grade_in_memory(payer.transport, payer.timeline, payer.url, **options))
