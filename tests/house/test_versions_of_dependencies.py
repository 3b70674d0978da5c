"""What may be installed: floors that say what is tested, and constraints that pin every one of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [Requirement(text) for text in (*PROJECT["dependencies"], *EXTRAS["postgres"], *EXTRAS["mcp"])]
PINNED = {
    canonicalize_name(name): Version(version)
    for line in (TOP / "deploy" / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for name, version in [line.split("==")]
}


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_each_dependency_has_a_floor_and_a_pin_above_it(needed: Requirement) -> None:
    assert [each.operator for each in needed.specifier] == [">="]
    assert PINNED[canonicalize_name(needed.name)] in needed.specifier


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (TOP / "deploy" / "constraints.txt").read_text().splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line
    assert "payer-sandbox" not in PINNED


def test_the_container_is_built_with_them() -> None:
    assert "--constraint /wheels/constraints.txt" in (TOP / "Dockerfile").read_text()
