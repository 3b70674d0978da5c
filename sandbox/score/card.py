"""The card: the points that a payer earned, metric by metric, and their sums. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from sandbox.score.editions.edition import Vendor
from sandbox.score.evidence import Exchange, Source, Value
from sandbox.score.findings import Finding
from sandbox.score.guidance.links import link_finding


@dataclass(frozen=True)
class LostTo:
    """One cause of lost points: `fix` is addressed to the payer, `next` to the person who grades."""

    id: str
    count: int
    about: tuple[str, ...]
    means: str
    fix: str
    next: str
    help: str


@dataclass(frozen=True)
class CardLine:
    """One metric on the card. `evidence` holds a few exchanges that show its causes.

    `fix` tells the payer what would bring points back, `next` the person who grades; both are empty when
    nothing was lost. Where only the grader can do something, as with what was not seen, `fix` repeats `next`.
    `help` is the page of the documentation.
    """

    id: str
    title: str
    area: str
    points: int
    max: int
    band: str
    value: Value
    n: int
    source: Source
    reason: str
    fix: str
    vendor: bool
    disagreement: str = ""
    unit: str = ""
    why: str = ""
    cites: tuple[str, ...] = ()
    evidence: tuple[Exchange, ...] = ()
    next: str = ""
    help: str = ""
    causes: tuple[LostTo, ...] = ()

    @property
    def lost(self) -> int:
        return self.max - self.points

    @property
    def unseen(self) -> bool:
        return self.source == "unseen"

    @property
    def payer_fix(self) -> str:
        """What the payer can do; empty where only the person who grades can do something."""
        return "" if self.fix == self.next else self.fix

    @property
    def measured_band(self) -> str:
        """The band, with the number that was measured if it is a band of numbers."""
        measured = number(self.value, self.unit)
        return f"{self.band} ({measured})" if measured else self.band


@dataclass(frozen=True)
class Card:
    """The card of one payer. The top of `range` is the score if all that was not seen were perfect."""

    edition: str
    target: str
    max: int
    lines: tuple[CardLine, ...]
    vendor: Vendor
    taken: str = ""
    lint: tuple[Finding, ...] = ()
    sample_seed: int | None = None
    """The seed that drew the members; None when nobody was drawn."""
    notes: tuple[str, ...] = ()
    """What the person who grades must know before believing the card, one line each."""

    @property
    def areas(self) -> dict[str, list[CardLine]]:
        """Area → its metrics."""
        areas: dict[str, list[CardLine]] = {}
        for line in self.lines:
            areas.setdefault(line.area, []).append(line)
        return areas

    @property
    def score(self) -> int:
        return sum(line.points for line in self.lines)

    @property
    def range(self) -> tuple[int, int]:
        return self.score, self.score + sum(line.max for line in self.lines if line.unseen)

    @property
    def vendor_score(self) -> int:
        return sum(line.points for line in self.lines if line.vendor)

    @property
    def vendor_score_stated(self) -> int:
        """The other reading: the metrics marked for vendors and the two that make up the stated sum."""
        added = (line.points for line in self.lines if line.id in self.vendor.stated_adds)
        return self.vendor_score + sum(added)

    @property
    def gains(self) -> tuple[CardLine, ...]:
        """The metrics that lost points, what would gain most first; what was only not seen comes last."""
        lost = [line for line in self.lines if line.lost]
        return tuple(sorted(lost, key=lambda line: (line.unseen, -line.lost)))

    @property
    def breaches(self) -> tuple[Finding, ...]:
        """The security findings: reports show them before anything else."""
        return tuple(finding for finding in self.lint if finding.level == "critical")

    @property
    def grader_steps(self) -> tuple[tuple[str, tuple[CardLine, ...]], ...]:
        """What the person who grades can do, each with the metrics that it would show or raise."""
        steps: dict[str, list[CardLine]] = {}
        for line in self.gains:
            if line.next:
                steps.setdefault(line.next, []).append(line)
        return tuple((step, tuple(lines)) for step, lines in steps.items())

    @property
    def findings(self) -> tuple[str, ...]:
        """Where a claim and an observation differ."""
        return tuple(f"{line.id}: {line.disagreement}" for line in self.lines if line.disagreement)


def to_data(card: Card) -> Mapping[str, Any]:
    """Return the card as plain JSON types."""
    return {
        "edition": card.edition,
        "target": card.target,
        "taken": card.taken,
        "sample_seed": card.sample_seed,
        "score": card.score,
        "max": card.max,
        "range": list(card.range),
        "metrics": [
            {
                **_pick(line, "id points max band"),
                "value": plain(line.value),
                **_pick(line, "n source reason fix"),
            }
            for line in card.lines
        ],
        "vendor": {
            "score": card.vendor_score,
            "max": card.vendor.max,
            "score_stated": card.vendor_score_stated,
            "max_stated": card.vendor.stated_max,
        },
        "vendor_view": {
            "metrics": [line.id for line in card.lines if line.vendor],
            "stated_adds": list(card.vendor.stated_adds),
            "note": card.vendor.note,
        },
        "notes": list(card.notes),
        "findings": list(card.findings),
        "gains": [
            {
                "metric": line.id,
                "points": line.lost,
                "seen": not line.unseen,
                **_pick(line, "fix next help"),
            }
            for line in card.gains
        ],
        "lint": [{**asdict(finding), "help": link_finding(finding.rule)} for finding in card.lint],
        "details": {line.id: _detail(line) for line in card.lines},
    }


def _detail(line: CardLine) -> dict[str, Any]:
    return {
        **_pick(line, "title area unit vendor why"),
        "cites": list(line.cites),
        **_pick(line, "disagreement next help"),
        "causes": [{**asdict(cause), "about": list(cause.about)} for cause in line.causes],
        "evidence": [_pick(e, "method url status ms step request_id note flaw") for e in line.evidence],
    }


def _pick(source: CardLine | Exchange, names: str) -> dict[str, Any]:
    """Return some attributes by name, in this order."""
    return {name: getattr(source, name) for name in names.split()}


def plain(value: Value) -> Any:
    """Return a verdict's value as JSON. Rates are cut, not rounded: 94.996 is never shown as 95."""
    if isinstance(value, Fraction):
        return int(value * 100) / 100
    if isinstance(value, tuple):
        return list(value)
    return value if value != "" else None


_UNITS = {"percent": "%", "seconds": "s"}


def number(value: Value, unit: str) -> str:
    """Format a measured number with its unit; empty for named bands."""
    if isinstance(value, str | tuple):
        return ""
    shown = f"{plain(value):g}" if isinstance(value, Fraction) else str(value)
    if isinstance(value, float):
        shown = f"{value:.2f}"
    noun = unit.removesuffix("s") if shown == "1" else unit
    return f"{shown} {_UNITS.get(unit, noun)}".strip()
