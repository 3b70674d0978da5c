"""The catalog of scenarios: loads files, reports their errors, and selects scenarios for a request."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
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
from sandbox.faults.selection import LONGEST, SelectedScenario, Selection, parse_selection
from sandbox.faults.shows import Show, Then
from sandbox.faults.verbs import VERBS
from sandbox.faults.window import Window

__all__ = ["Catalog", "Selection", "load", "read"]


SELECTIONS, SCENARIOS = 8 << 20, 8 << 20
"""Bytes of the caches of selections and of scenarios with settings, which are validated again."""

_SCENARIO = 12_000
"""Bytes of a scenario with settings."""


def _weigh(arguments: tuple[Any, ...], selection: Selection) -> int:
    """Return the bytes of a selection; scenarios without settings belong to the catalog."""
    return 4 * weigh(arguments) + _SCENARIO * str(arguments[-1]).count("=")


class Catalog:
    """Every scenario, by id."""

    def __init__(self, scenarios: Iterable[Scenario]):
        self.by_id: Mapping[str, Scenario] = {s.id: s for s in sorted(scenarios, key=lambda s: s.id)}
        self._parsed = bounded(SELECTIONS, _weigh)(self._parse)
        # Sessions with the same settings use the same scenario.
        self._cached = bounded(SCENARIOS, lambda arguments, scenario: _SCENARIO)(self._find)

    def choose(
        self, path: str | None, header: str | None, default: str, pinned: str = "", *, switched: str = ""
    ) -> Selection:
        """Return the first selection that names a scenario: of path, header, pin, or the server's default.

        A path may name only a session (or `stealth`); the others then select the scenario. `switched` are
        scenarios that the operator has added to the path's, or chosen instead of the default. Raises
        NotFound with the nearest ids, or the valid parameters.
        """
        here = self.parse(path) if path else Selection()
        if here.scenarios:
            return self.combine(here, switched) if switched else here
        default = switched or default
        other = self.parse(header or pinned or default)
        if not (here.session or here.stealth):
            return other
        return replace(other, session=here.session or other.session, stealth=here.stealth or other.stealth)

    def combine(self, selection: Selection, text: str) -> Selection:
        """Return a selection with the scenarios of a text that it does not name itself. Raises NotFound."""
        own = {scenario.id for scenario in selection.scenarios}
        more = (scenario for scenario in self.parse(text).scenarios if scenario.id not in own)
        return replace(selection, scenarios=(*selection.scenarios, *more))

    def parse(self, text: str) -> Selection:
        """Return the selection that a text describes. Raises NotFound in one line."""
        if len(text) > SELECTION_LENGTH_MAX:
            near = ", ".join(list(self.by_id)[:3])
            text = f"A selection of scenarios is at most {SELECTION_LENGTH_MAX} characters. Nearest: {near}"
            raise NotFound(text, cause="scenario-unknown")
        return self._parsed(text)

    def _parse(self, text: str) -> Selection:
        selected, stealth, session = parse_selection(text)
        selection = Selection(tuple(self._cached(scenario) for scenario in selected), session, stealth)
        if len(text) > LONGEST:
            text = f"A selection of scenarios has at most {LONGEST} characters"
            raise NotFound(text, cause="scenario-unknown")
        return selection

    def _find(self, selected: SelectedScenario) -> Scenario:
        scenario = self.by_id.get(selected.id)
        if scenario is None:
            near = difflib.get_close_matches(selected.id, self.by_id, n=3, cutoff=0.4) or list(self.by_id)[:3]
            text = f"There is no scenario {selected.id[:80]!r}. Nearest: {', '.join(near)}"
            raise NotFound(text, cause="scenario-unknown")
        try:
            return scenario.with_settings(dict(selected.settings))
        except ValueError as problem:
            raise NotFound(str(problem), cause="scenario-unknown") from None


def load(folder: Path, *more: Path) -> Catalog:
    """Return the catalog of a folder, and of more folders or single files.

    Raises FileProblem with the first error, and for an id that is used twice.
    """
    scenarios: dict[Path, Scenario] = {}
    for place in (folder, *more):
        if not place.is_dir() and (place is folder or not place.is_file()):
            raise FileProblem(f"{place}: no such folder of scenarios")
        for path in sorted(place.rglob("*.yaml")) if place.is_dir() else [place]:
            if path.resolve() in scenarios:
                continue
            scenario = read(path)
            if isinstance(scenario, list):
                raise FileProblem(scenario[0])
            if scenario.id in {s.id for s in scenarios.values()}:
                raise FileProblem(f"{path}: the scenario {scenario.id!r} already exists")
            scenarios[path.resolve()] = scenario
    return Catalog(scenarios.values())


def read(path: Path) -> Scenario | list[str]:
    """Return the scenario in a file, or its errors: the place, the problem, and valid values."""
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
    return [f"{path.name}: {error}" for error in _check_ranges(scenario)] or scenario


def _check_ranges(scenario: Scenario) -> Iterator[str]:
    """Yield an error for each limit of a parameter that the rules do not accept."""
    for name, parameter in scenario.parameters.items():
        for text in parameter.extremes:
            try:
                scenario.with_settings({name: text})
            except ValueError as problem:
                yield f"parameters.{name}: at {text}: {problem}"


PARTS: Mapping[str, type[BaseModel]] = {
    "rules": Rule,
    "when": When,
    "window": Window,
    "parameters": Parameter,
    "expect": Case,
    "shows": Show,
}
"""The models of the parts of a file, by their key."""


def complaint(error: Any, model: type[BaseModel] = Scenario) -> str:
    """Return one of pydantic's errors in the words of a scenario file (or of another `model`)."""
    if error["type"] == "unknown_parameter":
        return str(error["msg"])
    # Discriminated unions put their tags into the location; YAML has no such level.
    steps = [str(step) for step in error["loc"] if not str(step).startswith("expect:")]
    where = ".".join(step for step in steps if step not in VERBS)
    thing = "the file" if model is Scenario else "the body"
    if error["type"] == "union_tag_invalid" and where.rpartition(".")[2] == "then":
        verb = error["ctx"]["tag"]
        return f"{where}.do: no verb {verb!r}{_near(verb, VERBS)}; verbs are {', '.join(sorted(VERBS))}"
    if error["type"] == "extra_forbidden":
        return f"{where}: not a key of this part{_keys(steps, model)}"
    if error["type"] == "union_tag_not_found":
        return f"{where}.do: a verb is missing; verbs are {', '.join(sorted(VERBS))}"
    if not steps and error["type"] in ("model_type", "model_attributes_type"):
        return f"{thing}: is empty, or not a mapping of keys to values"
    return f"{where or thing}: {error['msg'].removeprefix('Value error, ')}"


def _keys(steps: list[str], model: type[BaseModel]) -> str:
    """Return the nearest valid key for an invalid one, and all keys of its part."""
    key, before = steps[-1], [step for step in steps[:-1] if not step.isdigit()]
    name = before[-1] if before else "a file"
    if name in VERBS:
        part: type[BaseModel] = VERBS[name]
    elif before[:1] == ["shows"] and name == "then":
        part = Then
    else:
        part = next((PARTS[step] for step in reversed(before) if step in PARTS), model)
    keys = [field.alias or name for name, field in part.model_fields.items() if name != "do"]
    return f"{_near(key, keys)}; {name} takes {', '.join(keys) or 'no parameters'}"


def _near(word: object, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(words), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
