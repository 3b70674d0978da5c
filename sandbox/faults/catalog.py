"""The catalogue: load and lint `scenarios/`, choose by path, header, pin or default."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sandbox.core.cache import bounded, weigh
from sandbox.core.errors import FileProblem, NotFound
from sandbox.core.files import read_yaml
from sandbox.core.limits import SELECTION_LENGTH_MAX
from sandbox.faults.parameters import Parameter
from sandbox.faults.scenario import Case, Rule, Scenario, When
from sandbox.faults.selection import LONGEST, SelectedScenario, Selection, split
from sandbox.faults.shows import Show, Then
from sandbox.faults.verbs import VERBS
from sandbox.faults.window import Window

__all__ = ["Catalog", "Selection", "load", "read"]


SELECTIONS, SCENARIOS = 8 << 20, 8 << 20
"""Bytes of selections and of their scenarios that are kept: setting dials means validating again."""

_SCENARIO = 12_000
"""Bytes of a scenario whose dials are set."""


def _weigh(arguments: tuple[Any, ...], selection: Selection) -> int:
    """A selection holds its scenarios; those without settings are the catalogue's own."""
    return 4 * weigh(arguments) + _SCENARIO * str(arguments[-1]).count("=")


class Catalog:
    """Every scenario, by id."""

    def __init__(self, scenarios: Iterable[Scenario]):
        self.by_id: Mapping[str, Scenario] = {s.id: s for s in sorted(scenarios, key=lambda s: s.id)}
        self._parsed = bounded(SELECTIONS, _weigh)(self._parse)
        # sessions of one setting share its scenario
        self._found = bounded(SCENARIOS, lambda arguments, found: _SCENARIO)(self._find)

    def choose(self, path: str | None, header: str | None, default: str, pinned: str = "") -> Selection:
        """The first that names a scenario wins: path prefix, header, pin, the server's default.

        A path that names only a session (or stealth) leaves the choice to the others. Raises NotFound
        naming the nearest ids, or the parameters that there are.
        """
        here = self.parse(path) if path else Selection()
        if here.scenarios:
            return here
        other = self.parse(header or pinned or default)
        if not (here.session or here.stealth):
            return other
        return replace(other, session=here.session or other.session, stealth=here.stealth or other.stealth)

    def parse(self, text: str) -> Selection:
        """The selection that is written here. Raises NotFound in one line."""
        if len(text) > SELECTION_LENGTH_MAX:
            near = ", ".join(list(self.by_id)[:3])
            text = f"A selection of scenarios is at most {SELECTION_LENGTH_MAX} characters. Nearest: {near}"
            raise NotFound(text, cause="scenario-unknown")
        return self._parsed(text)

    def _parse(self, text: str) -> Selection:
        named, stealth, session = split(text)
        selection = Selection(tuple(self._found(one) for one in named), session, stealth)
        if len(text) > LONGEST:
            text = f"A choice of scenarios has at most {LONGEST} characters"
            raise NotFound(text, cause="scenario-unknown")
        return selection

    def _find(self, named: SelectedScenario) -> Scenario:
        found = self.by_id.get(named.id)
        if found is None:
            near = difflib.get_close_matches(named.id, self.by_id, n=3, cutoff=0.4) or list(self.by_id)[:3]
            text = f"There is no scenario {named.id[:80]!r}. Nearest: {', '.join(near)}"
            raise NotFound(text, cause="scenario-unknown")
        try:
            return found.dialled(dict(named.given))
        except ValueError as problem:
            raise NotFound(str(problem), cause="scenario-unknown") from None


def load(folder: Path, *more: Path) -> Catalog:
    """The catalogue of a folder, and of more folders or single files. Raises FileProblem with the
    first complaint, and for an id that is there twice."""
    scenarios: dict[Path, Scenario] = {}
    for place in (folder, *more):
        if not place.is_dir() and (place is folder or not place.is_file()):
            raise FileProblem(f"{place}: no such folder of scenarios")
        for path in sorted(place.rglob("*.yaml")) if place.is_dir() else [place]:
            if path.resolve() in scenarios:
                continue
            found = read(path)
            if isinstance(found, list):
                raise FileProblem(found[0])
            if found.id in {s.id for s in scenarios.values()}:
                raise FileProblem(f"{path}: there is a scenario {found.id!r} already")
            scenarios[path.resolve()] = found
    return Catalog(scenarios.values())


def read(path: Path) -> Scenario | list[str]:
    """The scenario in a file, or complaints that teach: where, what, and what would do."""
    try:
        scenario = Scenario.model_validate(read_yaml(path))
    except FileProblem as problem:
        return [str(problem)]
    except ValidationError as problem:
        return [f"{path.name}: {complaint(error)}" for error in problem.errors()]
    if scenario.id != path.stem:
        return [f"{path.name}: id is {scenario.id!r}, the file's name says {path.stem!r}"]
    if scenario.id == "stealth":
        return [f"{path.name}: stealth is a word of the grammar, not a scenario"]
    return [f"{path.name}: {complaint}" for complaint in _at_extremes(scenario)] or scenario


def _at_extremes(scenario: Scenario) -> list[str]:
    """What is wrong at the ends of the dials: a range must not reach beyond what the verb takes."""
    complaints = []
    for name, dial in scenario.parameters.items():
        for text in dial.extremes:
            try:
                scenario.dialled({name: text})
            except ValueError as problem:
                complaints.append(f"parameters.{name}: at {text}: {problem}")
    return complaints


PARTS: Mapping[str, type[BaseModel]] = {
    "rules": Rule,
    "when": When,
    "window": Window,
    "parameters": Parameter,
    "expect": Case,
    "shows": Show,
}
"""What the parts of a file are made of, by the key before them."""


def complaint(error: Any, whole: type[BaseModel] = Scenario) -> str:
    """One of pydantic's errors, in words for whoever wrote the scenario (or another `whole`)."""
    if error["type"] == "unknown_parameter":
        return str(error["msg"])
    # Discriminated unions put their tags into the location; YAML has no such level.
    steps = [str(step) for step in error["loc"] if not str(step).startswith("expect:")]
    where = ".".join(step for step in steps if step not in VERBS)
    thing = "the file" if whole is Scenario else "the body"
    if error["type"] == "union_tag_invalid" and where.rpartition(".")[2] == "then":
        verb = error["ctx"]["tag"]
        return f"{where}.do: no verb {verb!r}{_near(verb, VERBS)}; verbs are {', '.join(sorted(VERBS))}"
    if error["type"] == "extra_forbidden":
        return f"{where}: not a key of this part{_keys(steps, whole)}"
    if error["type"] == "union_tag_not_found":
        return f"{where}.do: a verb is missing; verbs are {', '.join(sorted(VERBS))}"
    if not steps and error["type"] in ("model_type", "model_attributes_type"):
        return f"{thing}: is empty, or not a mapping of keys to values"
    return f"{where or thing}: {error['msg'].removeprefix('Value error, ')}"


def _keys(steps: list[str], whole: type[BaseModel]) -> str:
    """For a key that a part does not have: those that it has, the nearest first."""
    key, before = steps[-1], [step for step in steps[:-1] if not step.isdigit()]
    name = before[-1] if before else "a file"
    if name in VERBS:
        part: type[BaseModel] = VERBS[name]
    elif before[:1] == ["shows"] and name == "then":
        part = Then
    else:
        part = next((PARTS[step] for step in reversed(before) if step in PARTS), whole)
    known = [field.alias or name for name, field in part.model_fields.items() if name != "do"]
    return f"{_near(key, known)}; {name} takes {', '.join(known) or 'no parameters'}"


def _near(word: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
