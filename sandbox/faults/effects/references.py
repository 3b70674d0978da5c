"""Resource verbs about references that do not resolve, or that few clients resolve."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.effects.resource import Resource, rebuild
from sandbox.fhir.schema.paths import literal

Reference = dict[str, Any]


class _ReferenceEffect(Effect):
    """The base class of verbs that rewrite a `share` of the references, to the types in `targets`.

    The choice is a hash of the reference's target, so the same references always change.
    """

    share: float = Field(default=1.0, gt=0, le=1)
    targets: list[str] = Field(default_factory=list)

    def __call__(self, value: Resource, facts: Facts, world: World) -> Resource:
        def change(node: dict[str, Any]) -> dict[str, Any]:
            target = literal(node)
            if target is None or (self.targets and target[0] not in self.targets):
                return node
            chosen = world.share("reference:" + "/".join(target)) < self.share
            return self.rewrite(node, target) if chosen else node

        shown: Resource = rebuild(value, change)
        return shown

    def rewrite(self, reference: Reference, target: tuple[str, str]) -> Reference:
        """Return the reference to `target`, a type and an id, as the payer shows it."""
        raise NotImplementedError


class BreakReference(_ReferenceEffect, stage=Stage.RESOURCE):
    """Point a share of the literal references to resources that do not exist.

    The same references always break: the choice is a hash of the target. `targets` limits it to
    references to these types.
    """

    do: Literal["break_reference"]

    def rewrite(self, reference: Reference, target: tuple[str, str]) -> Reference:
        kind, id = target
        return {**reference, "reference": f"{kind}/missing-{id}"[: len(kind) + 65]}


class RestyleReference(_ReferenceEffect, stage=Stage.RESOURCE):
    """Write a share of the literal references in another style: `absolute` (on another host), `urn`,
    `contained` (of a resource that is not contained), `logical` (identifier only), `versioned`, or
    `missing` (display only)."""

    do: Literal["restyle_reference"]
    style: Literal["absolute", "urn", "contained", "logical", "versioned", "missing"]
    base: str = Field(default="http://192.0.2.5:8080/fhir", description="base URL of absolute references")

    def rewrite(self, reference: Reference, target: tuple[str, str]) -> Reference:
        kind, id = target
        others = {name: value for name, value in reference.items() if name != "reference"}
        if self.style == "logical":
            identifier = {"system": f"{self.base}/identifiers/{kind}", "value": id}
            return {"identifier": identifier, **others, "type": kind}
        if self.style == "missing":
            return {"display": kind, **others}
        digest = hashlib.sha256(f"{kind}/{id}".encode()).hexdigest()
        uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
        references = {
            "absolute": f"{self.base}/{kind}/{id}",
            "urn": f"urn:uuid:{uuid}",
            "contained": f"#{kind.lower()}-{digest[:6]}",
            "versioned": f"{kind}/{id}/_history/1",
        }
        return {**reference, "reference": references[self.style]}
