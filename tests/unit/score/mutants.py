"""The self-check of the checks: every judge dropped and flipped, every edge moved, every constant bent.

A mutant is made in this process, the tests of the checks are called one by one until one fails, and the
mutant is unmade. A mutant that no test notices is alive. Run: `make mutants`, or
`python tests/unit/score/mutants.py [WORD]` for those whose name has the word in it.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = ("test_score_checks", "test_score_edges")
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from sandbox.score import evidence, rubric  # noqa: E402  the path comes first
from sandbox.score.editions.edition import Band, Metric  # noqa: E402

METRICS = rubric.load("2025-05").metrics


@dataclass(frozen=True)
class Mutant:
    """A change of the grader that its tests must notice, while `made()` is entered."""

    name: str
    made: Callable[[], AbstractContextManager[None]]


def mutants() -> Iterator[Mutant]:
    for metric in METRICS:
        yield Mutant(f"{metric.id}: dropped", lambda m=metric.id: _judge(m, _dropped))
        yield Mutant(f"{metric.id}: flipped", lambda m=metric: _judge(m.id, _flipped(m)))
        yield from _edges(metric)
        yield from _sources(metric.id)


@contextmanager
def _judge(metric: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    module = importlib.import_module(_module(metric))
    had = module.judge
    module.judge = wrap(had)
    try:
        yield
    finally:
        module.judge = had


def _dropped(judge: Callable[..., Any]) -> Callable[..., Any]:
    return lambda case: evidence.not_seen(judge(case).metric, "dropped")


def _flipped(metric: Any) -> Callable[[Any], Any]:
    """The best band for what was the worst, and the worst for all others."""
    if metric.adds:
        best: Any = tuple(metric.adds)
        worst: Any = ()
    else:
        ordered = sorted(metric.bands, key=lambda band: band.points)
        worst, best = _value(ordered[0]), _value(ordered[-1])

    def wrap(judge: Callable[..., Any]) -> Callable[..., Any]:
        def flipped(case: Any) -> Any:
            verdict = judge(case)
            if verdict.source == "unseen":
                return verdict
            good = metric.award(verdict.value)[0]
            return replace(verdict, value=best if good == 0 else worst)

        return flipped

    return wrap


def _value(band: Any) -> Any:
    """A value that lies in the band."""
    if band.key is not None:
        return band.key
    return next(v for v in (band.ge, band.lt and band.lt - 0.5, band.le, 10**9) if v is not None)


def _edges(metric: Any) -> Iterator[Mutant]:
    """Each number of each band one unit up and down, each band's points one up and down."""
    for place, band in enumerate(metric.bands):
        for test in ("ge", "lt", "le"):
            edge = getattr(band, test)
            for step in (-1, 1) if edge else ():
                name = f"{metric.id}: {test} {edge:g} becomes {edge + step:g}"
                yield Mutant(name, lambda m=metric.id, p=place, t=test, v=edge + step: _band(m, p, t, v))
        for step in (-1, 1):
            if band.points + step >= 0:
                name = f"{metric.id}: '{band.band}' earns {band.points + step}"
                points = band.points + step
                yield Mutant(name, lambda m=metric.id, p=place, v=points: _band(m, p, "points", v))
    for added, points in metric.adds.items():
        name = f"{metric.id}: {added} earns {points - 1}"
        yield Mutant(name, lambda m=metric.id, a=added, v=points - 1: _added(m, a, v))


@contextmanager
def _band(metric: str, place: int, test: str, value: float) -> Iterator[None]:
    had = next(m for m in METRICS if m.id == metric)
    bands = [Band(**(b.model_dump() | {test: value})) if n == place else b for n, b in enumerate(had.bands)]
    with _edition(had.model_copy(update={"bands": bands})):
        yield


@contextmanager
def _added(metric: str, name: str, points: int) -> Iterator[None]:
    had = next(m for m in METRICS if m.id == metric)
    with _edition(had.model_copy(update={"adds": had.adds | {name: points}})):
        yield


@contextmanager
def _edition(changed: Metric) -> Iterator[None]:
    """The metric as the tests of the checks find it in the edition."""
    table = importlib.import_module(TESTS[0]).METRICS
    had = table[changed.id]
    table[changed.id] = changed
    try:
        yield
    finally:
        table[changed.id] = had


_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


def _sources(metric: str) -> Iterator[Mutant]:
    """In a check's source: comparisons swapped, conditions negated, whole numbers one up."""
    path = Path(str(importlib.import_module(_module(metric)).__file__))
    tree = ast.parse(path.read_text())
    for number, node in enumerate(ast.walk(tree)):
        what = ""
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAPS:
            what = "comparison swapped"
        elif isinstance(node, ast.If | ast.IfExp):
            what = "condition negated"
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            what = f"{node.value} becomes {node.value + 1}"
        elif isinstance(node, ast.BoolOp):
            what = "and is or" if isinstance(node.op, ast.And) else "or is and"
        if what:
            name = f"{metric}: line {getattr(node, 'lineno', 0)}.{number} {what}"
            yield Mutant(name, lambda m=metric, n=number, t=tree: _source(m, n, t))


def _module(metric: str) -> str:
    return f"sandbox.score.checks.{metric.replace('-', '_')}"


@contextmanager
def _source(metric: str, number: int, tree: ast.Module) -> Iterator[None]:
    changed = deepcopy(tree)
    node = list(ast.walk(changed))[number]
    if isinstance(node, ast.Compare):
        node.ops[0] = _SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Constant):
        node.value += 1  # type: ignore[operator]  only whole numbers are chosen
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    module = importlib.import_module(_module(metric))
    had = dict(module.__dict__)
    try:
        exec(compile(ast.fix_missing_locations(changed), str(module.__file__), "exec"), module.__dict__)
        yield
    finally:
        module.__dict__.clear()
        module.__dict__.update(had)


@cache
def calls() -> tuple[tuple[str, Callable[[], Any]], ...]:
    """Every test of the checks with every set of its parameters, ready to be called."""
    found: list[tuple[str, Callable[[], Any]]] = []
    for name in TESTS:
        for test, function in vars(importlib.import_module(name)).items():
            if test.startswith("test_") and callable(function):
                for given in _parameters(function):
                    found.append((test, lambda f=function, g=given: f(**g)))
    return tuple(found)


def _parameters(function: Any) -> Iterator[dict[str, Any]]:
    """The sets of parameters of a test: the product of its parametrize marks."""
    axes = []
    for mark in getattr(function, "pytestmark", []):
        names, values = mark.args
        split = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        axes.append([dict(zip(split, v if len(split) > 1 else (v,), strict=True)) for v in values])
    for chosen in product(*axes):
        yield {name: value for part in chosen for name, value in part.items()}


def caught(mutant: Mutant) -> bool:
    """Whether a test of the checks fails under the mutant; those named after the metric go first."""
    word = mutant.name.partition(":")[0].replace("-", "_")
    ordered = sorted(calls(), key=lambda call: word not in call[0])
    with mutant.made():
        for _, call in ordered:
            try:
                call()
            except Exception:
                return True
            except BaseException:  # pytest.raises and pytest.fail end in exceptions that are none
                return True
    return False


def main(word: str = "") -> int:
    found = [mutant for mutant in mutants() if word in mutant.name]
    alive = [mutant.name for mutant in found if not caught(mutant)]
    for name in alive:
        print(f"alive: {name}")
    print(f"{len(found)} mutants, {len(found) - len(alive)} caught")
    return 1 if alive or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
