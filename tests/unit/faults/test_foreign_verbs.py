"""Verbs of other packages, by entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.errors import UsageError
from sandbox.core.gates import Facts, Reply
from sandbox.faults.verbs import GROUP, load_verbs
from sandbox.settings import root

VERB = '''
from typing import Literal
from sandbox.core.gates import Stage
from sandbox.faults.effects.base import Effect

class Shout(Effect, stage=Stage.RESPONSE):
    """Say it loudly."""

    do: Literal["{name}"]
    how: str = "LOUD"

    def __call__(self, value, facts, world):
        return value
'''
SCENARIO = """
id: loud
title: Loud
story: It hurts.
area: transport
rules: [{then: {do: shout, how: LOUDER}}]
expect: {}
shows: [{sign_in: maria}]
reproduce: payer-sandbox serve
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder that looks like an installed package with verbs."""
    info = tmp_path / "loudness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loudness\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[payer_sandbox.verbs]\nloudness = loudness\n")
    (tmp_path / "loudness.py").write_text(VERB.format(name="shout"))
    (tmp_path / "loud.yaml").write_text(SCENARIO)
    return tmp_path


def lint(package: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox.cli.main", "scenarios", "lint", str(package / "loud.yaml")]
    env = {**os.environ, "PYTHONPATH": str(package)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_package_adds_verbs(package: Path) -> None:
    done = lint(package)
    assert (done.returncode, done.stdout) == (0, "1 scenario, 0 complaints\n")


@pytest.mark.parametrize(
    ("code", "says"),
    [(VERB.format(name="delay"), "'delay' of 'loudness' already exists"), ("1 / 0", "cannot be loaded"),
     (VERB.replace(", stage=Stage.RESPONSE", "").format(name="shout"), "names no stage")],
)  # fmt: skip
def test_a_package_that_cannot_be_used_is_told_in_one_line(
    package: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    (package / "loudness.py").write_text(code)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "loudness", raising=False)
    with pytest.raises(UsageError, match=says):
        load_verbs([EntryPoint("loudness", "loudness", GROUP)])
    monkeypatch.delitem(sys.modules, "loudness", raising=False)


def test_the_guides_example_is_a_verb() -> None:
    blocks = (root() / "docs" / "scenarios.md").read_text().split("```python\n")
    written: dict[str, Any] = {}
    exec(compile(blocks[-1].partition("```")[0], "scenarios.md", "exec", dont_inherit=True), written)
    shout = written["Shout"](do="shout", how="VERY")
    assert shout(Reply(200), Facts(), None).header("X-Shout") == "VERY"
