"""Resource verbs about references: broken, or written in a way that few clients resolve."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.paths import literal

Resource = dict[str, Any]
Reference = dict[str, Any]


class _References(Effect):
    """What verbs about references share: a `share` of them, and the types that they point to. The same
    reference is always chosen, or never: the choice is a hash of its target."""

    share: float = Field(default=1.0, gt=0, le=1)
    targets: list[str] = Field(default_factory=list)

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        shown: Resource = self._changed(value, world)
        return shown

    def _changed(self, node: Any, world: World) -> Any:
        if isinstance(node, list):
            return [self._changed(each, world) for each in node]
        if not isinstance(node, dict):
            return node
        changed = {name: self._changed(each, world) for name, each in node.items()}
        target = literal(node) if isinstance(node.get("reference"), str) else None
        if target and self._chosen(target, world):
            return self.rewritten(changed, target)
        return changed

    def _chosen(self, target: tuple[str, str], world: World) -> bool:
        if self.targets and target[0] not in self.targets:
            return False
        return world.share("reference:" + "/".join(target)) < self.share

    def rewritten(self, reference: Reference, target: tuple[str, str]) -> Reference:
        raise NotImplementedError


class BreakReference(_References, stage=Stage.RESOURCE):
    """Point a share of the literal references to resources that do not exist.

    The same reference is always broken, or never: the choice is a hash of its target. `targets`
    limits it to references to these types.
    """

    do: Literal["break_reference"]

    def rewritten(self, reference: Reference, target: tuple[str, str]) -> Reference:
        kind, id = target
        return {**reference, "reference": f"{kind}/missing-{id}"[: len(kind) + 65]}


Style = Literal["absolute", "urn", "contained", "logical", "versioned", "missing"]


class RestyleReference(_References, stage=Stage.RESOURCE):
    """Write a share of the literal references in another style: `absolute` at another host, a `urn`,
    `contained` (nothing is), `logical` by identifier only, `versioned`, or `missing` (display only)."""

    do: Literal["restyle_reference"]
    style: Style
    base: str = Field(default="http://192.0.2.5:8080/fhir", description="of absolute references")

    def rewritten(self, reference: Reference, target: tuple[str, str]) -> Reference:
        kind, id = target
        bare = {name: each for name, each in reference.items() if name != "reference"}
        if self.style == "logical":
            named = {"system": f"{self.base}/identifiers/{kind}", "value": id}
            return {"identifier": named, **bare, "type": kind}
        if self.style == "missing":
            return {"display": kind, **bare}
        digest = hashlib.sha256(f"{kind}/{id}".encode()).hexdigest()
        uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
        written = {
            "absolute": f"{self.base}/{kind}/{id}",
            "urn": f"urn:uuid:{uuid}",
            "contained": f"#{kind.lower()}-{digest[:6]}",
            "versioned": f"{kind}/{id}/_history/1",
        }
        return {**reference, "reference": written[self.style]}
