"""The examples of other languages are run, and the workflows name commands and flags that there are."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli.main import cli
from sandbox.core.files import read_yaml
from sandbox.settings import root

pytestmark = pytest.mark.slow

EXAMPLES = root() / "examples"
WORKFLOWS = sorted(EXAMPLES.glob("github-*/*.yml"))
PROGRAMS = {
    "node": ("node", "--test", "javascript"),
    "java": ("java", "java/PayerTest.java"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_passes_at_a_payer_and_fails_where_there_is_none(origin: str, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    for url, passes in ((origin, True), ("http://127.0.0.1:9", False)):
        environ = {**os.environ, "PAYER_URL": url}
        done = subprocess.run(PROGRAMS[program], cwd=EXAMPLES, env=environ, capture_output=True, text=True,
                              timeout=600, check=False)  # fmt: skip
        assert (done.returncode == 0) is passes, done.stdout[-2000:] + done.stderr[-2000:]


FAULTS = ("waits when the payer is busy", "refreshes when the access token expires early",
          "shows a claim whose doctor cannot be read")  # fmt: skip
CLAIMS = {"node": ("node", "--test", "javascript/claims.test.mjs"), "java": ("java", "java/ClaimsTest.java")}


@pytest.mark.parametrize("program", CLAIMS)
@pytest.mark.parametrize(
    ("fixes", "failing"),
    [("", FAULTS), ("refresh,reference", FAULTS[:1]), ("wait,reference", FAULTS[1:2]),
     ("wait,refresh", FAULTS[2:]), ("wait,refresh,reference", ())],
    ids=["none", "no-wait", "no-refresh", "no-reference", "all"],
)  # fmt: skip
def test_an_app_trips_over_each_fault_until_it_is_fixed(
    origin: str, program: str, fixes: str, failing: tuple[str, ...]
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    environ = {**os.environ, "PAYER_URL": origin, "APP_FIXES": fixes}
    done = subprocess.run(CLAIMS[program], cwd=EXAMPLES, env=environ, capture_output=True, text=True,
                          timeout=600, check=False)  # fmt: skip
    lines = re.findall(rf"^(not ok|ok)[ \d]* - ({'|'.join(FAULTS)})", done.stdout, re.MULTILINE)
    results = {name: result for result, name in lines}
    expected = {name: "not ok" if name in failing else "ok" for name in FAULTS}
    assert results == expected, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.returncode == (1 if failing else 0)


def scripts(node: Any) -> Iterator[str]:
    """Every `run:` of a workflow."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "run")
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from scripts(each)


def commands(script: str) -> Iterator[list[str]]:
    """The calls of payer-sandbox in a script, as words."""
    for line in script.replace("\\\n", " ").splitlines():
        for call in re.findall(r"^\s*payer-sandbox ([^|&;#]*)", line):
            yield shlex.split(call)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_workflow_is_yaml_and_names_what_there_is(path: Path) -> None:
    found = read_yaml(path)
    assert found["name"]
    assert "jobs" in found or "runs" in found
    for script in scripts(found):
        for name, *words in commands(script):
            if name.startswith("pytest"):
                continue
            command = cli.commands[name]
            flags = {flag for parameter in command.params for flag in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= flags, (name, words)


def test_the_workflows_call_the_command_line() -> None:
    every = [script for path in WORKFLOWS for script in scripts(read_yaml(path))]
    called = {words[0] for script in every for words in commands(script)}
    assert {"score", "compare", "serve", "journal", "review"} <= called
