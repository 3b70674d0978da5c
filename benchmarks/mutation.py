"""Mutation testing of the grader with mutmut: how many changes of `sandbox/score` its tests notice.

mutmut makes every mutant of every function. Those that change only words (a text constant with a space in
it) cannot change a score and are left out; of the others a sample is drawn by a seed, and run.

    make mutation                              # 600 mutants, seed 1
    make mutation ARGS="--mutants 0"           # all of them: hours
    make mutation ARGS="--only checks --mutants 0"

Prints a row for each module and the survivors as diffs. An exit code of 0 says that the run came to its
end, whatever survived.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
MADE = TOP / "mutants"
KILLED, SURVIVED, UNTESTED = (1, 3), (0,), (5, 33)
"""Exit codes that mutmut keeps for a mutant; any other is a timeout or a crash, which is noticed too."""


@dataclass(frozen=True)
class Mutant:
    """One changed function. `name` is mutmut's, `module` the file's name below sandbox/score."""

    name: str
    module: str
    diff: str


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


def outcome(mutant: Mutant) -> int | None:
    """The exit code of the tests against a mutant; None when it was not run."""
    kept = json.loads((MADE / "sandbox" / "score" / f"{mutant.module}.meta").read_text())
    code = kept["exit_code_by_key"].get(mutant.name)
    return None if code is None else int(code)


def run(names: list[str], jobs: int) -> None:
    """Let mutmut make its mutants and run those of these names."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs), *names]
    subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mutants", type=int, default=600, help="how many are drawn; 0: all")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="", help="modules with this in their path below sandbox/score")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    run(["sandbox.score.checks.status.*"], chosen.jobs)
    made = list(mutants(chosen.only))
    drawn = made
    if 0 < chosen.mutants < len(made):
        drawn = random.Random(chosen.seed).sample(made, chosen.mutants)
    drawn = sorted(drawn, key=lambda mutant: mutant.name)
    run([mutant.name for mutant in drawn], chosen.jobs)
    report(made, drawn)


def report(made: list[Mutant], drawn: list[Mutant]) -> None:
    """A row for each module, and the survivors."""
    rows: dict[str, Counter[str]] = {}
    living = []
    for mutant in drawn:
        code = outcome(mutant)
        row = rows.setdefault(mutant.module, Counter())
        if code is None:
            row["not run"] += 1
        elif code in SURVIVED or code in UNTESTED:
            row["survived" if code in SURVIVED else "untested"] += 1
            living.append(mutant)
        else:
            row["killed" if code in KILLED else "timeout"] += 1
    heads = ("killed", "timeout", "survived", "untested", "not run")
    print(f"{len(made)} mutants change more than words; {len(drawn)} were drawn")
    print(f"{'module':34}" + "".join(f"{head:>9}" for head in heads))
    for module, row in sorted(rows.items()):
        print(f"{module:34}" + "".join(f"{row[head]:>9}" for head in heads))
    total = sum(rows.values(), Counter())
    print(f"{'all':34}" + "".join(f"{total[head]:>9}" for head in heads))
    for mutant in living:
        print(f"\n{mutant.name}\n{mutant.diff}")


if __name__ == "__main__":
    main()
