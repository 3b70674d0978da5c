"""`scenarios lint`, `schema` and `verbs`: what is said about scenario files, rubric included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.core.files import json_pretty
from sandbox.core.gates import Stage
from sandbox.faults.addresses import find_strays
from sandbox.faults.catalog import read
from sandbox.faults.effects.base import Effect
from sandbox.faults.reach import find_idle
from sandbox.faults.scenario import Scenario
from sandbox.faults.verbs import VERBS
from sandbox.score import rubric

EDITION = "2025-05"


def lint(path: Path) -> list[str]:
    """Complaints about a scenario file; none when it is well."""
    found = read(path)
    if isinstance(found, list):
        return found
    complaints = [
        f"{path.name}: {where}: {host} may exist where an app runs, and would get its token; addresses that"
        " exist nowhere are 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, .example and .invalid"
        for where, host in _strays(found)
    ]
    complaints += [
        f"{path.name}: rules.{number}.{reason}, so the rule never acts"
        for number, rule in enumerate(found.rules)
        for reason in find_idle(rule)
    ]
    most = {metric.id: metric.points for metric in rubric.load(EDITION).metrics}
    several = isinstance(found.expect, list)
    return complaints + [
        f"{path.name}: expect.{f'{number}.points.' if several else ''}{metric}: "
        + (
            f"{points:g} is not between 0 and {most[metric]}"
            if metric in most
            else f"no such metric in {EDITION}"
        )
        for number, case in enumerate(found.cases)
        for metric, points in case.points.items()
        if not 0 <= points <= most.get(metric, -1)
    ]


def _strays(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Where an app would be sent to a host that may exist, defaults of verbs included."""
    yield from (("payer", host) for host in find_strays(scenario.payer))
    for number, rule in enumerate(scenario.rules):
        effect = rule.then.model_dump(mode="json")
        yield from ((f"rules.{number}.then", host) for host in find_strays(effect))


_DIAL = {"type": "string", "pattern": r"^\$[a-z][a-z0-9_]*$", "description": "a parameter of the scenario"}


def schema() -> bytes:
    """The JSON Schema of a scenario file. Where a rule takes a number, it takes a parameter as well."""
    described = Scenario.model_json_schema(by_alias=True)
    for name, part in described["$defs"].items():
        if name in ("When", "Window") or "do" in part.get("properties", {}):
            part["properties"] = {
                key: _dialled(each) if key != "do" else each for key, each in part["properties"].items()
            }
    return json_pretty({"$schema": "https://json-schema.org/draft/2020-12/schema", **described})


def _dialled(part: dict[str, Any]) -> dict[str, Any]:
    kinds = {part.get("type"), *(each.get("type") for each in part.get("anyOf", []))}
    if not kinds & {"number", "integer", "boolean"} and "enum" not in part:
        return part
    kept: dict[str, Any] = {key: part[key] for key in ("title", "description", "default") if key in part}
    rest = {key: value for key, value in part.items() if key not in kept}
    return {**kept, "anyOf": [*(rest.pop("anyOf", None) or [rest]), _DIAL]}


def verbs() -> str:
    """The vocabulary as Markdown: a table for each gate."""
    parts = [
        "# Verbs\n\nWhat `then: {do: …}` may say, by gate. `payer-sandbox scenarios verbs` makes this page.\n"
    ]
    for stage in Stage:
        rows = sorted((name, verb) for name, verb in VERBS.items() if verb.stage is stage)
        parts.append(
            f"\n## {stage.name.lower()}: {stage.value}\n\n| verb | what it does | takes |\n|---|---|---|\n"
        )
        parts += [f"| `{name}` | {_said(verb)} | {_taken(verb)} |\n" for name, verb in rows]
    return "".join(parts)


def _said(verb: type[Effect]) -> str:
    return " ".join((verb.__doc__ or "").split("\n\n")[0].split())


def _taken(verb: type[Effect]) -> str:
    properties = verb.model_json_schema()["properties"]
    required = verb.model_json_schema().get("required", [])
    return ", ".join(f"`{name}`" + ("" if name in required else "?") for name in properties if name != "do")
