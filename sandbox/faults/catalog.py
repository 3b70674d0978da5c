"""The catalogue: load and lint `scenarios/`, choose by path, header or default, bind to gates."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sandbox.core.errors import FileProblem, NotFound, Problem
from sandbox.core.files import read_yaml
from sandbox.core.gates import OPEN, Facts, Gates, Stage, unchanged
from sandbox.core.payer import Payer, changed
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.scenario import VERBS, Scenario, When

T = TypeVar("T")

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Selection:
    """Scenarios that are in force together, and the session that keeps their state apart."""

    scenarios: tuple[Scenario, ...] = ()
    session: str = ""

    @property
    def name(self) -> str:
        return ".".join(s.id for s in self.scenarios)

    def payer(self, base: Payer) -> Payer:
        """The character in force: each scenario's changes in turn."""
        for scenario in self.scenarios:
            base = changed(base, scenario.payer)
        return base

    def bind(self, world: World) -> Gates:
        """The gates for one request."""
        rules = [
            _Bound(scenario.id, number, rule.when, rule.then)
            for scenario in self.scenarios
            for number, rule in enumerate(scenario.rules)
        ]
        return BoundGates(rules, world) if rules else OPEN


@dataclass(frozen=True)
class _Bound:
    scenario: str
    number: int
    when: When
    effect: Effect

    def due(self, facts: Facts, world: World) -> bool:
        if not self.when.matches(facts):
            return False
        if not self.when.counts:
            return True
        name = f"{self.scenario}:{self.number}"
        number = world.count(name)
        return self.when.due(number, world.share(f"{name}:{number}"))


@dataclass
class BoundGates:
    """The rules of the scenarios in force, for one request."""

    rules: list[_Bound]
    world: World
    _fired: list[str] = field(default_factory=list)

    def armed(self, stage: Stage) -> bool:
        return any(rule.effect.stage is stage for rule in self.rules)

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        for rule in self.rules:
            if rule.effect.stage is stage and rule.due(facts, self.world):
                name = f"{rule.scenario}:{rule.effect.do}"  # type: ignore[attr-defined]
                try:
                    before, value = value, rule.effect(value, facts, self.world)
                except Problem:  # an effect may answer by refusing
                    self._fired.append(name)
                    raise
                if rule.effect.silent or not unchanged(before, value):
                    self._fired.append(name)
        return value

    def fired(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._fired))


class Catalog:
    """Every scenario, by id."""

    def __init__(self, scenarios: Iterable[Scenario]):
        self.by_id: Mapping[str, Scenario] = {s.id: s for s in sorted(scenarios, key=lambda s: s.id)}

    def choose(self, path: str | None, header: str | None, default: str) -> Selection:
        """The first that is named wins: path prefix, header, the server's default.

        A name is `<id>[.<id>…][~<session>]`. Raises NotFound naming the nearest ids.
        """
        return self.parse(path or header or default)

    def parse(self, text: str) -> Selection:
        names, tilde, session = text.partition("~")
        if tilde and not _SESSION.fullmatch(session):
            raise NotFound("A session name is 1 to 64 letters, digits, - or _")
        return Selection(tuple(self._find(name) for name in names.split(".")), session)

    def _find(self, name: str) -> Scenario:
        found = self.by_id.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.by_id, n=3, cutoff=0.4) or list(self.by_id)[:3]
            raise NotFound(f"There is no scenario {name[:80]!r}. Nearest: {', '.join(near)}")
        return found


def load(folder: Path) -> Catalog:
    """The catalogue of a folder. Raises FileProblem with the first complaint."""
    if not folder.is_dir():
        raise FileProblem(f"{folder}: no such folder of scenarios")
    scenarios = []
    for path in sorted(folder.glob("*.yaml")):
        found = read(path)
        if isinstance(found, list):
            raise FileProblem(found[0])
        scenarios.append(found)
    return Catalog(scenarios)


def read(path: Path) -> Scenario | list[str]:
    """The scenario in a file, or complaints that teach: where, what, and what would do."""
    try:
        scenario = Scenario.model_validate(read_yaml(path))
    except FileProblem as problem:
        return [str(problem)]
    except ValidationError as problem:
        return [f"{path.name}: {_complaint(error)}" for error in problem.errors()]
    if scenario.id != path.stem:
        return [f"{path.name}: id is {scenario.id!r}, the file's name says {path.stem!r}"]
    return scenario


def _complaint(error: Any) -> str:
    # The discriminated union puts the verb itself into the location; YAML has no such level.
    where = ".".join(str(step) for step in error["loc"] if str(step) not in VERBS)
    if error["type"] == "union_tag_invalid":
        verb = error["ctx"]["tag"]
        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{where}.do: no verb {verb!r}{hint}; verbs are {', '.join(sorted(VERBS))}"
    if error["type"] == "extra_forbidden":
        return f"{where}: not a key of this part"
    if error["type"] == "union_tag_not_found":
        return f"{where}.do: a verb is missing; verbs are {', '.join(sorted(VERBS))}"
    return f"{where or 'the file'}: {error['msg'].removeprefix('Value error, ')}"
