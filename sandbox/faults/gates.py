"""Bound gates: the rules in force for one request, with their counters and the tenant's clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.core.errors import SandboxProblem
from sandbox.core.gates import Facts, Gates, Reply, Stage, unchanged
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.scenario import When

T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """A rule of a scenario, or one that was armed through the control API: `take` then takes one of
    its times, and says whether there was one left."""

    scenario: str
    number: int
    when: When
    effect: Effect
    take: Callable[[], bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.scenario}:{self.effect.do}"  # type: ignore[attr-defined]

    def meant(self, value: Any, facts: Facts, world: World) -> bool:
        """Whether the request, the answer and the time are those of the rule."""
        return (
            self.when.matches(facts)
            and self.when.open(world.clock.now(), world.ahead)
            and (not isinstance(value, Reply) or self.when.answered(value.status))
        )

    def counted(self, world: World) -> bool:
        """Whether this request is one that the counting keys choose. Counts it."""
        if self.when.counts:
            name = f"{self.scenario}:{self.number}"
            number = world.count(name)
            if not self.when.due(number, world.share(f"{name}:{number}")):
                return False
        return self.take is None or self.take()

    def chosen(self, value: Any, world: World) -> bool:
        """Whether a resource belongs to the share that is meant."""
        if self.when.share is None or not isinstance(value, dict):
            return True
        who = f"{value.get('resourceType')}/{value.get('id')}"
        return world.share(f"{self.scenario}:{self.number}:{who}") < self.when.share


@dataclass
class BoundGates:
    """The rules of the scenarios in force, for one request.

    A request is counted once for each rule, however many resources of it pass the gate. `bounded`: what
    is decided about was granted under other scenarios, so that a rule may take from it and never add.
    """

    rules: Sequence[Bound]
    world: World
    bounded: bool = False
    _fired: list[str] = field(default_factory=list)
    _counted: dict[tuple[str, int], bool] = field(default_factory=dict)

    def armed(self, stage: Stage) -> bool:
        return any(rule.effect.stage is stage for rule in self.rules)

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        for rule in self.rules:
            if rule.effect.stage is stage and self._due(rule, value, facts):
                try:
                    before, value = value, rule.effect(value, facts, self.world)
                except SandboxProblem:  # an effect may answer by refusing
                    self._fired.append(rule.name)
                    raise
                if self.bounded and stage.decides:
                    value = value.within(before)  # type: ignore[attr-defined]
                if rule.effect.silent or not unchanged(before, value):
                    self._fired.append(rule.name)
        return value

    def fired(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._fired))

    def _due(self, rule: Bound, value: Any, facts: Facts) -> bool:
        if not rule.meant(value, facts, self.world) or not rule.chosen(value, self.world):
            return False
        key = (rule.scenario, rule.number)
        if key not in self._counted:
            self._counted[key] = rule.counted(self.world)
        return self._counted[key]


@dataclass
class LayeredGates:
    """Two selections at once: the deciding rules of the one under which something was `granted`, then all
    rules of the one that was `chosen` for this request."""

    granted: Gates
    chosen: Gates

    def armed(self, stage: Stage) -> bool:
        return self.chosen.armed(stage) or (stage.decides and self.granted.armed(stage))

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        if stage.decides:
            value = self.granted.run(stage, value, facts)
        return self.chosen.run(stage, value, facts)

    def fired(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.granted.fired(), *self.chosen.fired())))
