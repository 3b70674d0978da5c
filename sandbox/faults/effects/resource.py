"""Resource verbs: what is wrong inside the data. The store is never touched, only what is shown."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any, Literal

from pydantic import Field, JsonValue

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.paths import literal

Resource = dict[str, Any]


def at(node: Any, steps: list[str], act: Callable[[dict[str, Any], str], None]) -> None:
    """Call `act(parent, name)` for every parent of the last step; lists are walked through."""
    if isinstance(node, list):
        for each in node:
            at(each, steps, act)
    elif isinstance(node, dict):
        if len(steps) == 1:
            act(node, steps[0])
        elif steps[0] in node:
            at(node[steps[0]], steps[1:], act)


class DropElement(Effect, stage=Stage.RESOURCE):
    """Leave out an element (a dotted path)."""

    do: Literal["drop_element"]
    path: str

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown = copy.deepcopy(value)
        at(shown, self.path.split("."), lambda parent, name: parent.pop(name, None) and None)
        return shown


class SetElement(Effect, stage=Stage.RESOURCE):
    """Put a value where an element is, or would be (a dotted path; its parents must exist)."""

    do: Literal["set_element"]
    path: str
    value: JsonValue

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown = copy.deepcopy(value)
        at(shown, self.path.split("."), lambda parent, name: parent.__setitem__(name, self.value))
        return shown


class RenameElement(Effect, stage=Stage.RESOURCE):
    """Call an element something else (a dotted path), as other versions of FHIR do."""

    do: Literal["rename_element"]
    path: str
    to: str

    def idle(self) -> str:
        return "it is called so already" if self.path.rpartition(".")[2] == self.to else ""

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        def rename(parent: dict[str, Any], name: str) -> None:
            if name in parent:
                parent[self.to] = parent.pop(name)

        shown = copy.deepcopy(value)
        at(shown, self.path.split("."), rename)
        return shown


class DataAbsent(Effect, stage=Stage.RESOURCE):
    """Put a data-absent-reason where the value of a primitive was."""

    do: Literal["data_absent"]
    path: str
    reason: Literal["unknown", "masked", "not-permitted", "unsupported", "error"] = "unknown"

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        def absent(parent: dict[str, Any], name: str) -> None:
            if parent.pop(name, None) is not None:
                parent[f"_{name}"] = {"extension": [{"url": _ABSENT, "valueCode": self.reason}]}

        shown = copy.deepcopy(value)
        at(shown, self.path.split("."), absent)
        return shown


_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class SwapCodeSystem(Effect, stage=Stage.RESOURCE):
    """Name another code system than the one that was meant; `codes` renames codes of it as well."""

    do: Literal["swap_code_system"]
    system: str
    to: str
    codes: dict[str, str] = Field(default_factory=dict)

    def idle(self) -> str:
        return "" if self.system != self.to or self.codes else "system and to are the same"

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = self._swapped(value)
        return shown

    def _swapped(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._swapped(each) for each in node]
        if not isinstance(node, dict):
            return node
        changed = {name: self._swapped(each) for name, each in node.items()}
        if node.get("system") == self.system:
            changed["system"] = self.to
            if isinstance(node.get("code"), str):
                changed["code"] = self.codes.get(node["code"], node["code"])
        return changed


class ReformatDate(Effect, stage=Stage.RESOURCE):
    """Write a date as people do, not as FHIR does."""

    do: Literal["reformat_date"]
    path: str
    format: str = Field(default="%m/%d/%Y", description="as strftime has it")

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        def rewrite(parent: dict[str, Any], name: str) -> None:
            if isinstance(parent.get(name), str):
                with suppress(ValueError):
                    parent[name] = date.fromisoformat(parent[name][:10]).strftime(self.format)

        shown = copy.deepcopy(value)
        at(shown, self.path.split("."), rewrite)
        return shown


class RestlessVersion(Effect, stage=Stage.RESOURCE):
    """Claim that every resource was updated just now, whenever it is read."""

    do: Literal["restless_version"]

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        now = world.clock.now()
        updated = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
        version = str(int(now.timestamp() * 1000))
        return {**value, "meta": {**value.get("meta", {}), "versionId": version, "lastUpdated": updated}}


class AliasId(Effect, stage=Stage.RESOURCE):
    """Show resources under another id than the one they are read by, as a facade over several systems
    does; `references` says whether references to them follow."""

    do: Literal["alias_id"]
    type: str = "Patient"
    prefix: str = Field(default="SRC1-", pattern=r"^[A-Za-z0-9.-]{1,16}$")
    references: bool = False

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = self._aliased(value) if self.references else value
        if value.get("resourceType") == self.type:
            shown = {**shown, "id": f"{self.prefix}{value.get('id', '')}"[:64]}
        return shown

    def _aliased(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._aliased(each) for each in node]
        if not isinstance(node, dict):
            return node
        changed = {name: self._aliased(each) for name, each in node.items()}
        target = literal(node) if isinstance(node.get("reference"), str) else None
        if target and target[0] == self.type:
            changed["reference"] = f"{self.type}/{self.prefix}{target[1]}"
        return changed
