"""Resource verbs: what is wrong inside the data. The store is never touched, only what is shown."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, JsonValue

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.params import literal

Resource = dict[str, Any]


def _at(node: Any, steps: list[str], act: Callable[[dict[str, Any], str], None]) -> None:
    """Call `act(parent, name)` for every parent of the last step; lists are walked through."""
    if isinstance(node, list):
        for each in node:
            _at(each, steps, act)
    elif isinstance(node, dict):
        if len(steps) == 1:
            act(node, steps[0])
        elif steps[0] in node:
            _at(node[steps[0]], steps[1:], act)


class DropElement(Effect, stage=Stage.RESOURCE):
    """Leave out an element (a dotted path)."""

    do: Literal["drop_element"]
    path: str

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown = copy.deepcopy(value)
        _at(shown, self.path.split("."), lambda parent, name: parent.pop(name, None) and None)
        return shown


class SetElement(Effect, stage=Stage.RESOURCE):
    """Put a value where an element is, or would be (a dotted path; its parents must exist)."""

    do: Literal["set_element"]
    path: str
    value: JsonValue

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown = copy.deepcopy(value)
        _at(shown, self.path.split("."), lambda parent, name: parent.__setitem__(name, self.value))
        return shown


class BreakReference(Effect, stage=Stage.RESOURCE):
    """Point a share of the literal references to resources that do not exist.

    The same reference is always broken, or never: the choice is a hash of its target. `targets`
    limits it to references to these types.
    """

    do: Literal["break_reference"]
    share: float = Field(default=1.0, gt=0, le=1)
    targets: list[str] = Field(default_factory=list)

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = self._broken(value, world)
        return shown

    def _broken(self, node: Any, world: World) -> Any:
        if isinstance(node, list):
            return [self._broken(each, world) for each in node]
        if not isinstance(node, dict):
            return node
        changed = {name: self._broken(each, world) for name, each in node.items()}
        target = literal(node) if isinstance(node.get("reference"), str) else None
        if target and self._chosen(target, world):
            changed["reference"] = f"{target[0]}/missing-{target[1]}"[: len(target[0]) + 65]
        return changed

    def _chosen(self, target: tuple[str, str], world: World) -> bool:
        if self.targets and target[0] not in self.targets:
            return False
        return world.share("reference:" + "/".join(target)) < self.share
