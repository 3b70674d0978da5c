"""Resource verbs: elements that are missing, wrong or in another form. Only what is shown changes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any, Literal

from pydantic import Field, JsonValue

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.paths import literal

Resource = dict[str, Any]

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def visit_parents(node: Any, steps: list[str], act: Callable[[dict[str, Any], str], None]) -> None:
    """Call `act(parent, name)` for every parent of the last step; lists are walked through."""
    if isinstance(node, list):
        for item in node:
            visit_parents(item, steps, act)
    elif isinstance(node, dict):
        if len(steps) == 1:
            act(node, steps[0])
        elif steps[0] in node:
            visit_parents(node[steps[0]], steps[1:], act)


def rebuild(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a copy of a JSON value with every object replaced by `change(object)`, innermost first."""
    if isinstance(node, list):
        return [rebuild(item, change) for item in node]
    if not isinstance(node, dict):
        return node
    return change({name: rebuild(value, change) for name, value in node.items()})


class PathEffect(Effect):
    """The base class of verbs that change what is at a dotted path."""

    path: str

    def change(self, parent: dict[str, Any], name: str) -> None:
        """Change the member `name` of one object that the path leads to."""
        raise NotImplementedError

    def change_all(self, node: Any) -> None:
        visit_parents(node, self.path.split("."), self.change)


class Drop(PathEffect):
    """The base class of verbs that remove what is at a path."""

    def change(self, parent: dict[str, Any], name: str) -> None:
        parent.pop(name, None)


class Put(PathEffect):
    """The base class of verbs that put a value at a path."""

    value: JsonValue

    def change(self, parent: dict[str, Any], name: str) -> None:
        parent[name] = self.value


class Rename(PathEffect):
    """The base class of verbs that give what is at a path another name."""

    to: str

    def idle(self) -> str:
        return "it already has this name" if self.path.rpartition(".")[2] == self.to else ""

    def change(self, parent: dict[str, Any], name: str) -> None:
        if name in parent:
            parent[self.to] = parent.pop(name)


class _ElementEffect(PathEffect):
    """The base class of verbs that change an element of a resource."""

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown = copy.deepcopy(value)
        self.change_all(shown)
        return shown


class DropElement(Drop, _ElementEffect, stage=Stage.RESOURCE):
    """Leave out an element (a dotted path)."""

    do: Literal["drop_element"]


class SetElement(Put, _ElementEffect, stage=Stage.RESOURCE):
    """Set an element to a value (a dotted path; its parents must exist)."""

    do: Literal["set_element"]


class RenameElement(Rename, _ElementEffect, stage=Stage.RESOURCE):
    """Rename an element (a dotted path), as between versions of FHIR."""

    do: Literal["rename_element"]


class DataAbsent(_ElementEffect, stage=Stage.RESOURCE):
    """Replace the value of a primitive element with a data-absent-reason extension."""

    do: Literal["data_absent"]
    reason: Literal["unknown", "masked", "not-permitted", "unsupported", "error"] = "unknown"

    def change(self, parent: dict[str, Any], name: str) -> None:
        if parent.pop(name, None) is not None:
            parent[f"_{name}"] = {"extension": [{"url": _ABSENT, "valueCode": self.reason}]}


class SwapCodeSystem(Effect, stage=Stage.RESOURCE):
    """Replace a code system by another one; `codes` also maps codes."""

    do: Literal["swap_code_system"]
    system: str
    to: str
    codes: dict[str, str] = Field(default_factory=dict)

    def idle(self) -> str:
        return "" if self.system != self.to or self.codes else "system and to are the same"

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = rebuild(value, self._swap)
        return shown

    def _swap(self, node: dict[str, Any]) -> dict[str, Any]:
        if node.get("system") == self.system:
            node["system"] = self.to
            if isinstance(node.get("code"), str):
                node["code"] = self.codes.get(node["code"], node["code"])
        return node


class ReformatDate(_ElementEffect, stage=Stage.RESOURCE):
    """Write a date in a format other than FHIR's."""

    do: Literal["reformat_date"]
    format: str = Field(default="%m/%d/%Y", description="a strftime format")

    def change(self, parent: dict[str, Any], name: str) -> None:
        if isinstance(parent.get(name), str):
            with suppress(ValueError):
                parent[name] = date.fromisoformat(parent[name][:10]).strftime(self.format)


class DropOffset(_ElementEffect, stage=Stage.RESOURCE):
    """Write a time without its time zone: 2026-06-30T10:00:00 instead of 2026-06-30T10:00:00Z."""

    do: Literal["drop_offset"]

    def change(self, parent: dict[str, Any], name: str) -> None:
        if isinstance(parent.get(name), str):
            parent[name] = re.sub(r"(?<=T..:..:..)(\.\d+)?(Z|[+-]\d\d:\d\d)$", r"\1", parent[name])


class RestlessVersion(Effect, stage=Stage.RESOURCE):
    """Report every resource as updated at the time of the request, with a new version id."""

    do: Literal["restless_version"]

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        now = world.clock.now()
        updated = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
        version = str(int(now.timestamp() * 1000))
        return {**value, "meta": {**value.get("meta", {}), "versionId": version, "lastUpdated": updated}}


class AliasId(Effect, stage=Stage.RESOURCE):
    """Return resources of a type under a prefixed id, as a gateway over several systems does. `references`
    says whether references use the prefixed id as well; `fill_to` adds hyphens up to a length."""

    do: Literal["alias_id"]
    type: str = "Patient"
    prefix: str = Field(default="SRC1-", pattern=r"^[A-Za-z0-9.-]{1,16}$")
    references: bool = False
    fill_to: int = Field(default=0, ge=0, le=64)

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = rebuild(value, self._alias) if self.references else value
        if value.get("resourceType") == self.type:
            shown = {**shown, "id": self._alias_of(value.get("id", ""))}
        return shown

    def _alias_of(self, id: str) -> str:
        return f"{self.prefix}{id}"[:64].ljust(self.fill_to, "-")

    def _alias(self, node: dict[str, Any]) -> dict[str, Any]:
        target = literal(node)
        if target and target[0] == self.type:
            node["reference"] = f"{self.type}/{self._alias_of(target[1])}"
        return node


class ReadAlias(Effect, stage=Stage.READ):
    """Read resources of a type by the ids under which `alias_id` shows them, with the same `prefix`."""

    do: Literal["read_alias"]
    type: str = "Patient"
    prefix: str = Field(default="SRC1-", pattern=r"^[A-Za-z0-9.-]{1,16}$")

    def __call__(self, value: str, facts: Facts, world: World) -> str:
        if facts.resource != self.type or not value.startswith(self.prefix):
            return value
        return value.removeprefix(self.prefix).rstrip("-")
