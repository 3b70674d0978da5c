"""`scenarios list` and `scenarios table`: the catalogue for people, with what each costs by the rubric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sandbox.cli.scenario_lint import EDITION
from sandbox.core.text import quantity
from sandbox.faults.scenario import Scenario
from sandbox.score import rubric

AREAS: tuple[str, ...] = get_args(Scenario.model_fields["area"].annotation)


def cost(scenario: Scenario) -> str:
    """The points that are left of each metric it touches: "sync-speed 4 to 0 of 5", by its dials."""
    most = {metric.id: metric.points for metric in rubric.load(EDITION).metrics}
    touched = [name for name in most if any(name in case.points for case in scenario.cases)]
    told = []
    for name in touched:
        seen = [case.points.get(name, most[name]) for case in scenario.cases]
        low, high = f"{min(seen):g}", f"{max(seen):g}"
        told.append(f"{name} {high if low == high else f'{high} to {low}'} of {most[name]:g}")
    return ", ".join(told)


def listing(scenarios: Iterable[Scenario]) -> str:
    """Every scenario for a terminal: area, what a client sees, what it costs, its dials."""
    kept = list(scenarios)
    wide = max((len(s.id) for s in kept), default=0) + 2
    lines = []
    for scenario in kept:
        lines.append(f"{scenario.id:<{wide}}{scenario.area:<14}{scenario.title}")
        lines.append(f"{'':<{wide}}{'':<14}score: {cost(scenario) or 'unchanged'}")
        for name, dial in scenario.parameters.items():
            told = f"{name}={dial.default}"
            lines.append(f"{'':<{wide}}{'':<14}{told}: {dial.help} ({dial.range})")
    return "\n".join(lines)


def table(scenarios: Iterable[Scenario]) -> str:
    """The same as Markdown: a table for each area."""
    kept = list(scenarios)
    parts = [
        f"# Catalogue\n\n{quantity(len(kept), 'scenario')}: what a client sees, and the points that are left"
        f" of what each touches in edition {EDITION}.\n`payer-sandbox scenarios table` makes this page.\n"
    ]
    for area in AREAS:
        rows = [s for s in kept if s.area == area]
        if rows:
            parts.append(f"\n## {area}\n\n| scenario | what a client sees | what it costs | dials |\n")
            parts.append("|---|---|---|---|\n")
            parts += [f"| `{s.id}` | {s.title} | {cost(s) or 'nothing'} | {_dials(s)} |\n" for s in rows]
    return "".join(parts)


def _dials(scenario: Scenario) -> str:
    return "; ".join(
        f"`{name}={dial.default}` ({dial.range})" for name, dial in scenario.parameters.items()
    ).replace("|", "\\|")
