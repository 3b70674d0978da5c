"""Mutation testing of the grader: how many changes of `sandbox/score` its tests notice.

mutmut makes every mutant of every function and switches one on. Those that change only words (a text
constant with a space in it) cannot change a score and are left out; of the others a sample is drawn by a
seed. Each runs in a process of its own, forked after pytest has collected the tests, with the tests that
reach its function: those first that have killed a mutant of it before, then those of files that name its
module, then one of each test function in turns.

    make mutation                              # 600 mutants, seed 1
    make mutation ARGS="--mutants 0"           # all of them: hours
    make mutation ARGS="--only checks --mutants 0"

Prints each survivor as a diff when it is known, then a row for each module. An exit code of 0 says that the
run came to its end, whatever survived.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import json
import math
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

TOP = Path(__file__).parents[1]
MADE = TOP / "mutants"
COVERAGE = MADE / "coverage.json"
TESTS = "tests/unit/score"
OUTCOMES = ("killed", "timeout", "survived", "untested")


@dataclass(frozen=True)
class Mutant:
    """One changed function. `name` is mutmut's, `module` the file's name below sandbox/score."""

    name: str
    module: str
    diff: str

    @property
    def function(self) -> str:
        """The name under which mutmut records that the function ran."""
        return self.name.rpartition("__mutmut_")[0]


class _WithoutWords(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        is_text = isinstance(node.value, str) and " " in node.value
        return ast.Constant("words") if is_text else node


def mutants(only: str) -> Iterator[Mutant]:
    """Mutants that change more than words, in the order of their names. mutmut must have made them."""
    for path in sorted((MADE / "sandbox" / "score").rglob("*.py")):
        module = str(path.relative_to(MADE / "sandbox" / "score"))
        if only in module:
            yield from _of_module(path, module)


def _of_module(path: Path, module: str) -> Iterator[Mutant]:
    prefix = ".".join(path.relative_to(MADE).with_suffix("").parts).removesuffix(".__init__")
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }
    for name, node in functions.items():
        stem, _, number = name.rpartition("__mutmut_")
        if number == "orig":
            continue
        before, after = (_lines(functions[f"{stem}__mutmut_orig"]), _lines(node))
        if before[0] != after[0]:
            diff = list(difflib.unified_diff(before[1], after[1], n=0, lineterm=""))[3:]
            yield Mutant(f"{prefix}.{name}", module, "\n".join(diff))


def _lines(function: ast.FunctionDef) -> tuple[str, list[str]]:
    """The function without words, to compare; and as lines, to show."""
    copy = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    copy.name = "function"
    shown = ast.unparse(copy).splitlines()
    return ast.dump(_WithoutWords().visit(copy)), shown


def make(jobs: int) -> None:
    """Let mutmut write the changed functions, and copy the tests anew."""
    from mutmut.__main__ import (
        copy_also_copy_files,
        copy_src_dir,
        create_mutants,
        set_mutant_under_test,
        setup_source_paths,
    )

    set_mutant_under_test("mutant_generation")
    MADE.mkdir(exist_ok=True)
    shutil.rmtree(MADE / "tests", ignore_errors=True)
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # mutmut prints each file
    try:
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        create_mutants(jobs)
    finally:
        os.dup2(out, 1)


@dataclass
class Driver:
    """A pytest plugin that runs the collected tests against one mutant after the other."""

    drawn: list[Mutant]
    jobs: int
    patience: float
    outcomes: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    kills: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        covered = self.coverage(items)
        reaching: dict[str, list[str]] = defaultdict(list)
        for node, row in covered.items():
            if node in items and row["passed"]:
                for function in row["functions"]:
                    reaching[function].append(node)
        running: dict[int, tuple[Mutant, int]] = {}
        waiting = list(reversed(self.drawn))
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                tests = self.order(mutant, reaching[mutant.function], covered)
                if not tests:
                    self.keep(mutant, "untested")
                    continue
                bounds = [math.ceil(10 + 5 * covered[node]["seconds"]) for node in tests]
                pid, told = self.fork(mutant.name, [items[node] for node in tests], bounds)
                running[pid] = (mutant, told)
            self.collect(running)
        return True

    def order(self, mutant: Mutant, tests: list[str], covered: dict[str, Any]) -> list[str]:
        """The tests in the order to run, as many as `patience` seconds have room for: those that killed
        before, then those of files that name the module, then one of each test function in turns."""
        by_function, by_module = self.kills[mutant.function], self.kills[mutant.module]
        turns: Counter[str] = Counter()
        ranks = {}
        for node in sorted(tests, key=lambda t: covered[t]["seconds"]):
            name, seconds = node.partition("[")[0], covered[node]["seconds"]
            is_named = _names(node.partition("::")[0], mutant)
            ranks[node] = (-by_function[node], -by_module[node], not is_named, turns[name], seconds)
            turns[name] += 1
        taken: list[str] = []
        left = self.patience
        for node in sorted(ranks, key=ranks.__getitem__):
            left -= covered[node]["seconds"]
            if left < 0 and taken:
                break
            taken.append(node)
        return taken

    def fork(self, name: str, items: list[pytest.Item], bounds: list[int]) -> tuple[int, int]:
        """Start a process that runs these tests against the mutant until one fails, or takes too long."""
        told, tell = os.pipe()
        if pid := _fork(name):
            os.close(tell)
            return pid, told
        for item, bound in zip(items, bounds, strict=True):
            signal.alarm(bound)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                os.write(tell, self.failed[0].encode())
                os._exit(1)
        os._exit(0)

    def collect(self, running: dict[int, tuple[Mutant, int]]) -> None:
        """Take in what the processes that have ended found."""
        time.sleep(0.02)
        for pid, (mutant, told) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            _kill_group(pid)
            outcome = "timeout" if os.WIFSIGNALED(status) else "killed" if status else "survived"
            killer = os.read(told, 4096).decode()
            os.close(told)
            if killer:
                self.kills[mutant.function][killer] += 1
                self.kills[mutant.module][killer] += 1
            del running[pid]
            self.keep(mutant, outcome)

    def keep(self, mutant: Mutant, outcome: str) -> None:
        self.outcomes[mutant.name] = outcome
        if len(self.outcomes) % 50 == 0:
            print(f"{len(self.outcomes)} of {len(self.drawn)}", file=sys.stderr, flush=True)
        if outcome in ("survived", "untested"):
            print(f"\n[{len(self.outcomes)}] {outcome} {mutant.name}\n{mutant.diff}", flush=True)

    def coverage(self, items: dict[str, pytest.Item]) -> dict[str, Any]:
        """Which functions each test reaches and how long it takes. Kept for tests that passed before: remove
        the file after a change of what tests reach."""
        kept = json.loads(COVERAGE.read_text()) if COVERAGE.exists() else {}
        kept = {node: row for node, row in kept.items() if row["passed"]}
        new = [item for node, item in items.items() if node not in kept]
        parts = [new[number :: self.jobs] for number in range(self.jobs)]
        files = [MADE / f"coverage-{number}.json" for number in range(self.jobs)]
        pids = [self.cover(part, file) for part, file in zip(parts, files, strict=True)]
        for pid, file in zip(pids, files, strict=True):
            os.waitpid(pid, 0)
            _kill_group(pid)
            kept |= json.loads(file.read_text())
            file.unlink()
        COVERAGE.write_text(json.dumps(kept))
        failing = sorted(node for node, row in kept.items() if node in items and not row["passed"])
        print(
            f"{len(items)} tests, {len(new)} of them new; left out, since they fail here: {failing}",
            flush=True,
        )
        return kept

    def cover(self, items: list[pytest.Item], file: Path) -> int:
        if pid := _fork("stats"):
            return pid
        from mutmut.state import state

        rows = {}
        for item in items:
            state()._stats.clear()
            self.failed.clear()
            started = time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
            rows[item.nodeid] = {
                "seconds": round(time.monotonic() - started, 3),
                "passed": not self.failed,
                "functions": sorted(state()._stats),
            }
        file.write_text(json.dumps(rows))
        os._exit(0)


@cache
def _text_of(file: str) -> str:
    return Path(file).read_text()


def _names(file: str, mutant: Mutant) -> bool:
    """Whether a test file speaks of the mutant's module, by its own name or that of its metric."""
    stem = Path(mutant.module).stem
    return bool(re.search(rf"\b({stem}|{stem.replace('_', '-')})\b", _text_of(file)))


def _fork(switch: str) -> int:
    """0 in a new process with a group of its own, in which mutmut has switched this on; its number here."""
    if pid := os.fork():
        return pid
    os.setpgrp()
    from mutmut.mutation.trampoline import set_mutant_under_test

    set_mutant_under_test(switch)
    return 0


def _kill_group(pid: int) -> None:
    """End whatever a process has started and left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mutants", type=int, default=600, help="how many are drawn; 0: all")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="", help="modules with this in their path below sandbox/score")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--patience", type=float, default=60, help="seconds of tests for one mutant")
    chosen = parser.parse_args()
    os.chdir(TOP)
    make(chosen.jobs)
    made = list(mutants(chosen.only))
    drawn = made
    if 0 < chosen.mutants < len(made):
        drawn = random.Random(chosen.seed).sample(made, chosen.mutants)
    os.chdir(MADE)
    sys.path.insert(0, str(MADE))
    import pytest

    driver = Driver(drawn, chosen.jobs, chosen.patience)
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:terminal", "-p", "sandbox.pytest_plugin"]
    options += ["-W", "ignore", "-o", "addopts=", "--rootdir=.", TESTS]
    pytest.main(options, plugins=[driver])
    report(made, drawn, driver.outcomes)


def report(made: list[Mutant], drawn: list[Mutant], outcomes: dict[str, str]) -> None:
    """A row for each module."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in drawn:
        rows[mutant.module][outcomes.get(mutant.name, "not run")] += 1
    heads = (*OUTCOMES, "not run")
    print(f"\n{len(made)} mutants change more than words; {len(drawn)} were drawn")
    print(f"{'module':34}" + "".join(f"{head:>9}" for head in heads))
    rows["all"] = sum(rows.values(), Counter())
    for module, row in rows.items():
        print(f"{module:34}" + "".join(f"{row[head]:>9}" for head in heads))


if __name__ == "__main__":
    main()
