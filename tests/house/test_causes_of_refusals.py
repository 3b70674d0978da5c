"""Causes: each one that the code names is in a causes.yaml, and each one there is named by the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import sandbox
from sandbox.apis.discovery import published
from sandbox.auth.eligibility import EXPLAIN
from sandbox.auth.tokens.access_token import TokenState
from sandbox.web.causes import Cause, files_of_causes, load_causes

PACKAGE = Path(sandbox.__file__).parent
CAUSES = load_causes(files_of_causes(published())).by_id
MODULES = sorted(
    path
    for folder in ("apis", "auth", "core", "faults", "fhir", "server", "store", "web")
    for path in (PACKAGE / folder).rglob("*.py")
)
OPERATORS = {"control", "console", "operator.py"}
"""Parts of paths of modules that only operators call."""
FOR_CLIENTS = [path for path in MODULES if OPERATORS.isdisjoint(path.relative_to(PACKAGE).parts)]
PROBLEMS = {
    "BadRequest", "Forbidden", "Gone", "Misdirected", "NotAcceptable", "NotAllowed", "NotFound", "TooLarge",
    "TooLong", "Unauthorized", "UnsupportedMedia",
}  # fmt: skip
"""Classes of refusals whose cause every call names."""

BY_STATE = {*EXPLAIN, *(f"token-{state}" for state in get_args(TokenState))}
BY_EFFECT = {"scenario-effect", "armed-fault"}
"""Causes that the code computes: from the state of a member or token, and for what a fault did."""


def causes_in(tree: ast.AST) -> Iterator[str]:
    """Find cause="…", defaults of a parameter `cause`, notes["cause"] = "…" and tables named …CAUSES."""
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.keyword) and node.arg == "cause":
            values = [node.value]
        elif isinstance(node, ast.FunctionDef):
            arguments = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            values = [default for argument, default in arguments if argument.arg == "cause"]
        elif isinstance(node, ast.Assign):
            target = ast.unparse(node.targets[0])
            values = [node.value] if target.endswith("notes['cause']") else []
            if target.endswith("_CAUSES") and isinstance(node.value, ast.Dict):
                values = [*node.value.values]
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value


NAMED = {path: set(causes_in(ast.parse(path.read_text("utf-8")))) for path in MODULES}


def test_every_cause_in_the_code_is_in_a_file() -> None:
    unknown = {cause: path.name for path, causes in NAMED.items() for cause in causes - CAUSES.keys()}
    assert not unknown
    assert not (BY_STATE | BY_EFFECT) - CAUSES.keys()


def test_every_cause_in_a_file_is_in_the_code() -> None:
    general = {id for id, cause in CAUSES.items() if cause.status is not None}
    assert not CAUSES.keys() - set().union(*NAMED.values()) - BY_STATE - BY_EFFECT - general


def test_every_file_of_causes_is_read() -> None:
    assert {str(file) for file in files_of_causes(published())} == {
        str(path) for path in PACKAGE.rglob("causes.yaml")
    }


@pytest.mark.parametrize("path", FOR_CLIENTS)
def test_every_refusal_names_its_cause(path: Path) -> None:
    """What only operators call is left out: the journal does not record it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in PROBLEMS:
            assert any(keyword.arg in ("cause", None) for keyword in node.keywords), (
                f"line {node.lineno}: {ast.unparse(node)}"
            )


SENTENCES = re.compile(r"[A-Z`].*[^\s.][.]", re.DOTALL)


@pytest.mark.parametrize(("id", "cause"), CAUSES.items())
def test_a_cause_is_written_in_sentences(id: str, cause: Cause) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", id)
    for text in (cause.why, cause.repair, *cause.repairs.values()):
        assert SENTENCES.fullmatch(text), text
        assert len(text) <= 200
        assert "  " not in text
        assert not re.search(r"\b(found|told|asked of|stranger|witness|accident)\b", text), text
