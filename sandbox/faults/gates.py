"""Gates with the rules of one request: they apply scenarios and armed faults to values that pass."""

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
class BoundRule:
    """A rule of a scenario, or a fault that was armed for a number of calls.

    `take` uses up one call of an armed fault and returns whether there was one left.
    """

    scenario: str
    number: int
    when: When
    effect: Effect
    take: Callable[[], bool] | None = None

    @property
    def name(self) -> str:
        """The name in the header Sandbox-Effects."""
        return f"{self.scenario}:{self.effect.do}"

    def matches(self, value: Any, facts: Facts, world: World) -> bool:
        """Return whether the request, response and time match, and the resource is in the share."""
        return (
            self.when.matches(facts)
            and self.when.is_open(world.clock.now(), world.ahead)
            and (not isinstance(value, Reply) or self.when.matches_status(value.status))
            and self._is_in_share(value, world)
        )

    def count(self, world: World) -> bool:
        """Count this request, and return whether the counting keys select it."""
        if self.when.counts:
            name = f"{self.scenario}:{self.number}"
            number = world.count(name)
            if not self.when.is_due(number, world.share(f"{name}:{number}")):
                return False
        return self.take is None or self.take()

    def _is_in_share(self, value: Any, world: World) -> bool:
        if self.when.share is None or not isinstance(value, dict):
            return True
        resource = f"{value.get('resourceType')}/{value.get('id')}"
        return world.share(f"{self.scenario}:{self.number}:{resource}") < self.when.share


@dataclass
class BoundGates:
    """The rules of the scenarios in effect, for one request.

    A request counts once for each rule, however many of its resources pass the gate. If `restricting`, the
    value was granted under other scenarios, and rules may reduce what was granted but not add to it.
    """

    rules: Sequence[BoundRule]
    world: World
    restricting: bool = False
    _fired: list[str] = field(default_factory=list)
    _due: dict[tuple[str, int], bool] = field(default_factory=dict)

    def armed(self, stage: Stage) -> bool:
        return any(rule.effect.stage is stage for rule in self.rules)

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        for rule in self.rules:
            if rule.effect.stage is stage and self._applies(rule, value, facts):
                try:
                    before, value = value, rule.effect(value, facts, self.world)
                except SandboxProblem:  # an effect may respond by refusing
                    self._fired.append(rule.name)
                    raise
                if self.restricting and stage.decides:
                    value = value.within(before)  # type: ignore[attr-defined]
                if rule.effect.silent or not unchanged(before, value):
                    self._fired.append(rule.name)
        return value

    def fired(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._fired))

    def _applies(self, rule: BoundRule, value: Any, facts: Facts) -> bool:
        if not rule.matches(value, facts, self.world):
            return False
        key = (rule.scenario, rule.number)
        if key not in self._due:
            self._due[key] = rule.count(self.world)
        return self._due[key]


@dataclass
class LayeredGates:
    """Two selections in turn: the one under which access was `granted`, then the one that was `chosen`.

    The first applies only its rules at deciding gates.
    """

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
