"""The survey: what many cards say together. Pure.

The rule for vendors: for each metric marked for vendors, the median of its points over the vendor's live
payers; the score is their sum. Beside it stands the median of the payers' vendor sub-totals, which is
another number: both are printed, with the rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from sandbox.score.editions.edition import Edition
from sandbox.score.fleet.results import EndpointResult
from sandbox.score.fleet.roster import named
from sandbox.score.report.card_file import CardFile


@dataclass(frozen=True)
class Ranking:
    """One payer's place. `moved` is the change of its score since the last report, None when it is new."""

    id: str
    payer: str
    vendor: str
    score: int
    top: int
    rank: int
    moved: int | None = None


@dataclass(frozen=True)
class VendorStanding:
    """One vendor, over its live payers."""

    vendor: str
    payers: int
    by_metric: float
    by_totals: float
    stated: float
    lowest: int
    highest: int
    medians: dict[str, float]
    moved: float | None = None


@dataclass(frozen=True)
class MetricSpread:
    """How a metric's points lie over all payers: band → how many, best band first."""

    id: str
    title: str
    max: int
    mean: float
    median: float
    bands: tuple[tuple[str, int, int], ...]  # words, points, payers
    unseen: int


@dataclass(frozen=True)
class Survey:
    """Everything the report says."""

    payers: tuple[Ranking, ...]
    vendors: tuple[VendorStanding, ...]
    metrics: tuple[MetricSpread, ...]
    scores: tuple[int, ...]
    lint: tuple[tuple[str, int], ...]  # rule, how many payers
    unreached: tuple[tuple[str, str], ...]  # payer, why


@dataclass(frozen=True)
class Before:
    """What the last report said, by id and by vendor."""

    payers: dict[str, int]
    vendors: dict[str, float]


NOTHING_BEFORE = Before({}, {})


def survey(rules: Edition, results: Sequence[EndpointResult], before: Before = NOTHING_BEFORE) -> Survey:
    """The survey of the results, by the edition that graded them."""
    graded = [(result, result.card) for result in results if result.card is not None]
    cards = [card for _, card in graded]
    unreached = tuple((r.endpoint.payer, r.error) for r in results if r.card is None)
    rules_broken = Counter(rule for card in cards for rule in {finding.rule for finding in card.lint})
    return Survey(
        tuple(_standings(graded, before)),
        tuple(_vendors(rules, graded, before)),
        tuple(_spread(metric.id, metric.title, metric.points, cards) for metric in rules.metrics),
        tuple(sorted(card.score for card in cards)),
        tuple(rules_broken.most_common()),
        unreached,
    )


def is_live(card: CardFile) -> bool:
    """Whether the rubric calls it live: only those count for their vendor."""
    return any(entry.id == "status" and entry.band == "live" for entry in card.metrics)


def _standings(graded: Iterable[tuple[EndpointResult, CardFile]], before: Before) -> Iterable[Ranking]:
    """Best first; ties share a rank and stand in order of their names."""
    rank, last = 0, None
    ordered = sorted(graded, key=lambda pair: (-pair[1].score, pair[0].endpoint.payer))
    for place, (result, card) in enumerate(ordered, 1):
        if card.score != last:
            rank, last = place, card.score
        name = named(result.endpoint)
        moved = card.score - before.payers[name] if name in before.payers else None
        endpoint = result.endpoint
        yield Ranking(name, endpoint.payer, endpoint.vendor, card.score, card.range[1], rank, moved)


def _vendors(
    rules: Edition, graded: Iterable[tuple[EndpointResult, CardFile]], before: Before
) -> list[VendorStanding]:
    by_vendor: dict[str, list[CardFile]] = {}
    for result, card in graded:
        if is_live(card):
            by_vendor.setdefault(result.endpoint.vendor, []).append(card)
    standings = [_vendor(rules, name, cards, before) for name, cards in by_vendor.items()]
    return sorted(standings, key=lambda v: (-v.by_metric, -v.by_totals, v.vendor))


def _vendor(rules: Edition, name: str, cards: Sequence[CardFile], before: Before) -> VendorStanding:
    marked = [metric.id for metric in rules.metrics if "vendor" in metric.audience]
    left_out = rules.chosen.get("A29") == "left-out"
    medians = {m: _median(m, cards, left_out) for m in (*marked, *rules.vendor.stated_adds)}
    totals = [sum(card.points().get(metric, 0) for metric in marked) for card in cards]
    by_metric = sum(medians[metric] for metric in marked)
    return VendorStanding(
        name,
        len(cards),
        by_metric,
        float(median(totals)),
        by_metric + sum(medians[metric] for metric in rules.vendor.stated_adds),
        min(totals),
        max(totals),
        {metric: medians[metric] for metric in marked},
        by_metric - before.vendors[name] if name in before.vendors else None,
    )


def _median(metric: str, cards: Sequence[CardFile], left_out: bool) -> float:
    entries = [entry for card in cards for entry in card.metrics if entry.id == metric]
    if left_out:
        entries = [e for e in entries if e.source != "unseen" and (e.n or e.source != "traffic")]
    return float(median(entry.points for entry in entries)) if entries else 0.0


def _spread(name: str, title: str, most: int, cards: Sequence[CardFile]) -> MetricSpread:
    entries = [entry for card in cards for entry in card.metrics if entry.id == name]
    seen = Counter((entry.band, entry.points) for entry in entries if entry.source != "unseen")
    bands = sorted(((band, points, n) for (band, points), n in seen.items()), key=lambda b: (-b[1], b[0]))
    points = [entry.points for entry in entries]
    mean = sum(points) / len(points) if points else 0.0
    unseen = sum(entry.source == "unseen" for entry in entries)
    return MetricSpread(name, title, most, mean, float(median(points or [0])), tuple(bands), unseen)
