"""How a scenario is listed: what it is, and what it costs in the score of the current edition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.core.files import parse_yaml
from sandbox.faults.scenario import Case, Scenario
from sandbox.faults.search import Match

EDITION = "2025-05"

_NAMED_MAX = 3
"""Metrics that the text of a cost names."""


@dataclass(frozen=True)
class Cost:
    """The points that a scenario leaves with its default parameters, and that in words."""

    left: float
    text: str


@cache
def load_metric_points() -> Mapping[str, float]:
    """Return the points of each metric in the edition's file, which is data of the grader."""
    edition = files("sandbox").joinpath("score", "editions", f"{EDITION}.yaml")
    areas = parse_yaml(edition.read_text(encoding="utf-8"), edition.name)["areas"]
    return {metric["id"]: metric["points"] for area in areas for metric in area["metrics"]}


def compute_cost(scenario: Scenario) -> Cost:
    """Return what a scenario costs: "nobody can sign in: 36 of 100 left"."""
    full = load_metric_points()
    total = sum(full.values())
    lefts = [total - sum(_list_losses(case.points).values()) for case in scenario.cases]
    default = next((n for n, case in enumerate(scenario.cases) if not case.settings), 0)
    left, points = lefts[default], scenario.cases[default].points
    text = f"{_describe_loss(points)}: {left:g} of {total:g} left"
    if min(lefts) < max(lefts):
        settings = dict.fromkeys(name for case in scenario.cases for name in case.settings)
        text = text if left < total else f"{left:g} of {total:g} left"
        return Cost(left, f"{text}, {min(lefts):g} to {max(lefts):g} by {', '.join(settings)}")
    if left == total:
        can_see = scenario.rules or scenario.payer
        return Cost(left, f"{left:g} of {total:g}: {'the rubric cannot see it' if can_see else 'no fault'}")
    return Cost(left, text)


def compute_points_left(scenarios: Iterable[Scenario]) -> float:
    """Return the points that scenarios together leave at most: of each metric, the fewest of any."""
    left = dict(load_metric_points())
    for scenario in scenarios:
        for metric, points in _find_case(scenario).points.items():
            left[metric] = min(left.get(metric, points), points)
    return sum(left.values())


def _find_case(scenario: Scenario) -> Case:
    """Return the expectation at the scenario's settings, or the one at its defaults."""
    for case in scenario.cases:
        if case.settings and scenario.normalize({k: str(v) for k, v in case.settings.items()}) == (
            scenario.settings
        ):
            return case
    return next((case for case in scenario.cases if not case.settings), scenario.cases[0])


def _list_losses(points: Mapping[str, float]) -> dict[str, float]:
    """Return the points that each metric loses, the largest loss first."""
    full = load_metric_points()
    losses = {metric: full[metric] - points[metric] for metric in full if metric in points}
    lost = ((metric, loss) for metric, loss in losses.items() if loss)
    return dict(sorted(lost, key=lambda item: -item[1]))


def _describe_loss(points: Mapping[str, float]) -> str:
    losses = _list_losses(points)
    if points.get("authorization-success") == 0:
        # Where some can sign in, some requests succeed.
        return "nobody can sign in" if points.get("request-success") == 0 else "most sign-ins fail"
    if points.get("request-success") == 0 and points.get("carin-resources") == 0:
        return "no data can be read"
    named = [f"{metric.replace('-', ' ')} -{loss:g}" for metric, loss in losses.items()]
    others = len(named) - _NAMED_MAX
    return ", ".join(named[:_NAMED_MAX]) + (f" and {others} more" if others > 0 else "")


def describe(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the control API and `scenarios list --json` show it."""
    return {
        "id": scenario.id,
        "title": scenario.title,
        "area": scenario.area,
        "keywords": scenario.keywords,
        "parameters": {
            name: {"kind": p.kind, "default": p.default, "range": p.range, "help": p.help}
            for name, p in scenario.parameters.items()
        },
        "expect": scenario.model_dump(mode="json", by_alias=True)["expect"],
        "cost": asdict(compute_cost(scenario)),
    }


def describe_match(match: Match) -> dict[str, Any]:
    """Return a scenario that a search found, with the reasons."""
    why = [asdict(reason) for reason in match.reasons]
    return {**describe(match.scenario), "why": why, "unmatched": list(match.unmatched)}
