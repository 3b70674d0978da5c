"""The structure of the code: names, folders, and which module may know which address.

What does not hold yet is listed in `known_exceptions.yaml`, which only ever gets shorter: a test fails for
what is not on the list, and for what is on it without need. Run as a program, this file writes the list anew.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parents[2]
EXCEPTIONS = Path(__file__).with_name("known_exceptions.yaml")
BANNED = frozenset(
    ("found", "told", "asked", "of", "known", "said", "given", "made", "whole", "each", "one", "rest")
)
MOST_MODULES = 15
COLLECTIONS = ("effects", "checks", "renderers", "rows", "lint", "apis", "forms", "stories")
"""Folders of like things that a registry loads."""
SHORT = 60  # lines; a shorter module that one other module uses belongs into it
_ADDRESS = re.compile(r"/(fhir|auth|portal|developer|member|_sandbox)(/|\b)")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module below `sandbox/` by its path."""
    return {
        str(path.relative_to(TOP)): ast.parse(path.read_text())
        for path in sorted((TOP / "sandbox").rglob("*.py"))
    }


def repeated_class_names() -> Iterator[str]:
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path)
    yield from (name for name, paths in places.items() if len(paths) > 1)


def banned_variables() -> Iterator[str]:
    """Names of variables, arguments, functions and fields that tell what happened to a thing."""
    for path, tree in modules().items():
        names = {name for node in ast.walk(tree) for name in _bound(node)}
        yield from (f"{path}: {name}" for name in sorted(names & BANNED))


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef):
        yield node.name


def large_folders() -> Iterator[str]:
    folders: dict[str, int] = defaultdict(int)
    for path in modules():
        folder, _, name = path.rpartition("/")
        folders[folder] += name != "__init__.py"
    for folder, number in folders.items():
        if number > MOST_MODULES and folder.rpartition("/")[2] not in COLLECTIONS:
            yield folder


def short_modules_of_one_importer() -> Iterator[str]:
    """Short modules that one module of the package uses, and no benchmark."""
    benchmarks = "\n".join(path.read_text() for path in (TOP / "benchmarks").glob("*.py"))
    importers: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules().items():
        for name in _imported(tree):
            importers[name].add(path)
    for path in modules():
        folder, _, name = path.rpartition("/")
        if name == "__init__.py" or folder.rpartition("/")[2] in COLLECTIONS:
            continue
        dotted = path.removesuffix(".py").replace("/", ".")
        users = len(importers[dotted]) + (dotted in benchmarks)
        if len((TOP / path).read_text().splitlines()) < SHORT and users == 1:
            yield path


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def addresses_outside_apis() -> Iterator[str]:
    """Modules that hold an address of an API in a text, beside those of the API itself and docstrings."""
    for path, tree in modules().items():
        if path.startswith(("sandbox/apis/", "sandbox/synth/")):
            continue
        if any(_ADDRESS.match(text) for text in _texts(tree)):
            yield path


def _texts(tree: ast.Module) -> Iterator[str]:
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


RULES: dict[str, Callable[[], Iterator[str]]] = {
    "class names are unique": repeated_class_names,
    "a variable says what it is": banned_variables,
    "a folder has at most fifteen modules": large_folders,
    "a short module has two importers": short_modules_of_one_importer,
    "only an API knows its addresses": addresses_outside_apis,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_holds_but_for_its_known_exceptions(rule: str) -> None:
    known = set(yaml.safe_load(EXCEPTIONS.read_text())[rule])
    broken = set(RULES[rule]())
    assert not broken - known, "new"
    assert not known - broken, "mended: take it from known_exceptions.yaml"


if __name__ == "__main__":
    lists = {rule: sorted(find()) for rule, find in RULES.items()}
    EXCEPTIONS.write_text(
        "# What does not hold yet, rule by rule. Lines are only ever taken away.\n"
        + yaml.safe_dump(lists, sort_keys=False, width=100)
    )
