"""`scenarios list`, `search` and `table`: the catalog with what each scenario costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from sandbox.cli.terminal import is_terminal, show_scenarios
from sandbox.core.text import escape, quantity, say
from sandbox.faults.listing import EDITION, compute_cost
from sandbox.faults.scenario import Scenario
from sandbox.faults.search import Match

AREAS: tuple[str, ...] = get_args(Scenario.model_fields["area"].annotation)

SHOWN = 10
"""Scenarios that a search shows without `--all`."""


Row = tuple[Scenario, str, Sequence[str]]
"""A scenario, what it costs, and further lines of its own."""


def list_rows(scenarios: Iterable[Scenario]) -> list[Row]:
    """Return the catalog with its parameters."""
    return [
        (
            scenario,
            compute_cost(scenario).text,
            [
                f"{name}={parameter.default}: {parameter.help} ({parameter.range})"
                for name, parameter in scenario.parameters.items()
            ],
        )
        for scenario in scenarios
    ]


def match_rows(matches: Iterable[Match]) -> list[Row]:
    """Return the matches of a search with why each matches."""
    return [
        (match.scenario, compute_cost(match.scenario).text, [f"matches: {_explain(match)}"])
        for match in matches
    ]


def _explain(match: Match) -> str:
    return match.why + "".join(f", not {escape(word)}" for word in match.unmatched)


def print_rows(rows: Sequence[Row]) -> None:
    """Print scenarios with area, title, score and their lines: in color on a terminal."""
    if is_terminal():
        show_scenarios(rows)
    else:
        say(format_rows(rows))


def format_rows(rows: Sequence[Row]) -> str:
    """Return lines for each scenario: name, area and title, the score, and its own lines below."""
    wide = max((len(scenario.id) for scenario, _, _ in rows), default=0) + 2

    def format_lines() -> Iterator[str]:
        for scenario, score, details in rows:
            yield f"{scenario.id:<{wide}}{scenario.area:<14}{scenario.title}"
            for detail in (f"score: {score}", *details):
                yield f"{'':<{wide + 14}}{detail}"

    return "\n".join(format_lines())


def table(scenarios: Iterable[Scenario]) -> str:
    """Return the catalog as Markdown: a table for each area."""
    kept = list(scenarios)
    parts = [
        f"""\
# Scenario catalog

Find a scenario for the failure that you want to test: {quantity(len(kept), "scenario")}, by area. Search them
by an error code, a status, a parameter, a header or a symptom:

```
payer-sandbox scenarios search invalid_grant
```

To use one, put its name in the path, with parameters if you like:

```
curl http://127.0.0.1:8080/s/slow-responses,seconds=2/fhir/metadata
```

[scenarios.md](scenarios.md) has the other ways, and shows how to combine scenarios. The score column shows
what a scenario costs with the defaults of its parameters, by edition {EDITION} ([scoring.md](scoring.md)):
the points that metrics lose, and what is left of 100. A range gives what is left for other values of the
parameters.

`payer-sandbox scenarios table` makes this page.
"""
    ]
    for area in AREAS:
        rows = [s for s in kept if s.area == area]
        if rows:
            parts.append(f"\n## {area}\n\n| scenario | what goes wrong | score | keywords | parameters |\n")
            parts.append("|---|---|---|---|---|\n")
            parts += [
                f"| `{s.id}` | {s.title} | {compute_cost(s).text} | {', '.join(s.keywords)} | {_cell(s)} |\n"
                for s in rows
            ]
    return "".join(parts)


def _cell(scenario: Scenario) -> str:
    return "; ".join(
        f"`{name}={parameter.default}` {parameter.help} ({parameter.range})"
        for name, parameter in scenario.parameters.items()
    ).replace("|", "\\|")
