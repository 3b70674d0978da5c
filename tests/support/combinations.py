"""Two or three scenarios at once, drawn from a seed: what the rule of interactions is tried on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sandbox.faults.catalog import load
from sandbox.score import rubric
from sandbox.settings import root

METRICS = {metric.id: metric.points for metric in rubric.load("2025-05").metrics}
PROMISED: dict[str, dict[str, float]] = {
    name + "".join(f",{parameter}={value}" for parameter, value in case.settings.items()): METRICS
    | case.points
    for name, scenario in load(root() / "scenarios").by_id.items()
    for case in scenario.cases
}
"""Every selection that a scenario's file speaks of, and the points that it earns of every metric."""
SEED, MANY, TRIPLES = 1, 200, 40


def drawn(seed: int = SEED, many: int = MANY, triples: int = TRIPLES) -> Iterator[tuple[str, ...]]:
    """`many` different combinations, the last `triples` of three. Four of five scenarios are such as the
    rubric can see; the others only show that nothing is lost."""
    seen = [name for name, points in PROMISED.items() if points != METRICS]
    unseen = [name for name in PROMISED if name not in seen and name != "baseline"]
    dice, had = Random(f"combinations:{seed}"), set[frozenset[str]]()
    while len(had) < many:
        size = 3 if len(had) >= many - triples else 2
        names = tuple(dice.choice(seen if dice.random() < 0.8 else unseen) for _ in range(size))
        ids = frozenset(name.partition(",")[0] for name in names)
        if len(ids) == size and ids not in had:
            had.add(ids)
            yield names
