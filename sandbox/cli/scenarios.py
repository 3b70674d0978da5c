"""`scenarios list` and `scenarios table`: the catalog with the expected score of each scenario."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sandbox.cli.scenario_lint import EDITION
from sandbox.core.text import quantity
from sandbox.faults.scenario import Scenario
from sandbox.score import rubric

AREAS: tuple[str, ...] = get_args(Scenario.model_fields["area"].annotation)


def cost(scenario: Scenario) -> str:
    """Return the points of each affected metric: "sync-speed 4 to 0 of 5", over its settings."""
    most = {metric.id: metric.points for metric in rubric.load(EDITION).metrics}
    affected = [name for name in most if any(name in case.points for case in scenario.cases)]
    costs = []
    for name in affected:
        points = [case.points.get(name, most[name]) for case in scenario.cases]
        low, high = f"{min(points):g}", f"{max(points):g}"
        costs.append(f"{name} {high if low == high else f'{high} to {low}'} of {most[name]:g}")
    return ", ".join(costs)


def listing(scenarios: Iterable[Scenario]) -> str:
    """Return the catalog for a terminal: area, title, expected score and parameters."""
    kept = list(scenarios)
    wide = max((len(s.id) for s in kept), default=0) + 2
    lines = []
    for scenario in kept:
        lines.append(f"{scenario.id:<{wide}}{scenario.area:<14}{scenario.title}")
        lines.append(f"{'':<{wide}}{'':<14}score: {cost(scenario) or 'unchanged'}")
        for name, parameter in scenario.parameters.items():
            setting = f"{name}={parameter.default}"
            lines.append(f"{'':<{wide}}{'':<14}{setting}: {parameter.help} ({parameter.range})")
    return "\n".join(lines)


def table(scenarios: Iterable[Scenario]) -> str:
    """Return the catalog as Markdown: a table for each area."""
    kept = list(scenarios)
    parts = [
        f"""\
# Scenario catalog

Find a scenario for the failure that you want to test: {quantity(len(kept), "scenario")}, by area. To use
one, put its name in the path, with parameters if you like:

```
curl http://127.0.0.1:8080/s/slow-responses,seconds=2/fhir/metadata
```

[scenarios.md](scenarios.md) has the other ways, and shows how to combine scenarios. The score column lists
the points that remain of each metric of edition {EDITION} ([scoring.md](scoring.md)); "unchanged" means that
the rubric does not measure the failure. The parameters are listed with their defaults.

`payer-sandbox scenarios table` makes this page.
"""
    ]
    for area in AREAS:
        rows = [s for s in kept if s.area == area]
        if rows:
            parts.append(f"\n## {area}\n\n| scenario | what goes wrong | score | parameters |\n")
            parts.append("|---|---|---|---|\n")
            parts += [f"| `{s.id}` | {s.title} | {cost(s) or 'unchanged'} | {_cell(s)} |\n" for s in rows]
    return "".join(parts)


def _cell(scenario: Scenario) -> str:
    return "; ".join(
        f"`{name}={parameter.default}` {parameter.help} ({parameter.range})"
        for name, parameter in scenario.parameters.items()
    ).replace("|", "\\|")
