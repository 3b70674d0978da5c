"""`scenarios lint`, `schema` and `verbs`: errors in scenario files, their JSON Schema, the page of verbs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.core.files import json_schema
from sandbox.core.gates import Stage
from sandbox.faults.catalog import read
from sandbox.faults.effects.base import Effect
from sandbox.faults.lint import find_idle, find_real_hosts
from sandbox.faults.listing import EDITION
from sandbox.faults.scenario import Scenario
from sandbox.faults.search import normalize
from sandbox.faults.verbs import VERBS
from sandbox.score import rubric
from sandbox.settings import root


def lint(path: Path) -> list[str]:
    """Return the errors in a scenario file, the expected score included."""
    scenario = read(path)
    if isinstance(scenario, list):
        return scenario
    complaints = [
        f"{path.name}: {where}: {host} may exist where an app runs, and would get its token; addresses that"
        " exist nowhere are 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, .example and .invalid"
        for where, host in _real_hosts(scenario)
    ]
    complaints += [
        f"{path.name}: rules.{number}.{reason}, so the rule never applies"
        for number, rule in enumerate(scenario.rules)
        for reason in find_idle(rule)
    ]
    complaints += [f"{path.name}: keywords: {reason}" for reason in _check_keywords(scenario, path)]
    most = {metric.id: metric.points for metric in rubric.load(EDITION).metrics}
    several = isinstance(scenario.expect, list)
    return complaints + [
        f"{path.name}: expect.{f'{number}.points.' if several else ''}{metric}: "
        + (
            f"{points:g} is not between 0 and {most[metric]}"
            if metric in most
            else f"no such metric in {EDITION}"
        )
        for number, case in enumerate(scenario.cases)
        for metric, points in case.points.items()
        if not 0 <= points <= most.get(metric, -1)
    ]


def _check_keywords(scenario: Scenario, path: Path) -> Iterator[str]:
    if not scenario.keywords and path.resolve().is_relative_to((root() / "scenarios").resolve()):
        yield (
            "a scenario that comes with the sandbox needs some: error codes, statuses, parameters, headers,"
            " the words of a developer who sees the failure"
        )
    keyword_of: dict[str, str] = {}
    for keyword in scenario.keywords:
        other = keyword_of.setdefault(normalize(keyword), keyword)
        if other is not keyword:
            yield f"{keyword!r} is the same to the search as {other!r}"


def _real_hosts(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield (place, host) for each host that may exist, defaults of verbs included."""
    yield from (("payer", host) for host in find_real_hosts(scenario.payer))
    for number, rule in enumerate(scenario.rules):
        effect = rule.then.model_dump(mode="json")
        yield from ((f"rules.{number}.then", host) for host in find_real_hosts(effect))


_PARAMETER = {
    "type": "string",
    "pattern": r"^\$[a-z][a-z0-9_]*$",
    "description": "a parameter of the scenario",
}


def schema() -> bytes:
    """Return the JSON Schema of a scenario file. A rule accepts a parameter wherever it accepts a number."""
    described = Scenario.model_json_schema(by_alias=True)
    for name, part in described["$defs"].items():
        if name in ("When", "Window") or "do" in part.get("properties", {}):
            part["properties"] = {
                key: _accept_parameter(value) if key != "do" else value
                for key, value in part["properties"].items()
            }
    return json_schema(described)


def _accept_parameter(part: dict[str, Any]) -> dict[str, Any]:
    kinds = {part.get("type"), *(option.get("type") for option in part.get("anyOf", []))}
    if not kinds & {"number", "integer", "boolean"} and "enum" not in part:
        return part
    kept: dict[str, Any] = {key: part[key] for key in ("title", "description", "default") if key in part}
    limits = {key: value for key, value in part.items() if key not in kept}
    return {**kept, "anyOf": [*(limits.pop("anyOf", None) or [limits]), _PARAMETER]}


VERBS_PAGE = """\
# Verbs

A verb is one kind of fault. Use one in the rule of a [scenario](scenarios.md) or in a
[fault for the next calls](control-api.md#fail-the-next-calls). For example, this scenario has a rule that
delays every FHIR response by two seconds:

```yaml
rules:
  - when: {path: /fhir/*}
    then: {do: delay, seconds: 2}
```

The verbs are listed by gate, the point in a request where they apply. A parameter with `?` is optional.
[scenarios/schema.json](../scenarios/schema.json) has the type, the limits and the default of each one.

`payer-sandbox scenarios verbs` makes this page.
"""


def verbs() -> str:
    """Return the page of verbs as Markdown: a table for each gate."""
    parts = [VERBS_PAGE]
    for stage in Stage:
        rows = sorted((name, verb) for name, verb in VERBS.items() if verb.stage is stage)
        parts.append(f"\n## {stage.name.lower()}: {stage.value}\n\n")
        parts.append("| verb | what it does | parameters |\n|---|---|---|\n")
        parts += [f"| `{name}` | {_describe(verb)} | {_list_parameters(verb)} |\n" for name, verb in rows]
    return "".join(parts)


def _describe(verb: type[Effect]) -> str:
    return " ".join((verb.__doc__ or "").split("\n\n")[0].split())


def _list_parameters(verb: type[Effect]) -> str:
    described = verb.model_json_schema()
    required = described.get("required", [])
    names = (name for name in described["properties"] if name != "do")
    return ", ".join(f"`{name}`" + ("" if name in required else "?") for name in names)
