"""The line that reproduces a scenario: it names the scenario, and the command exists."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from sandbox.cli.main import cli
from sandbox.faults.catalog import load
from sandbox.settings import root

CATALOG = load(root() / "scenarios")
SELECTED = re.compile(r"/s/([^/\s\"]+)|--scenario[ =](\S+)")


@pytest.mark.parametrize("name", [name for name in CATALOG.by_id if name != "baseline"])
def test_a_scenario_is_reproduced_by_a_command_that_exists(name: str) -> None:
    line = CATALOG.by_id[name].reproduce
    chosen = [one or other for one, other in SELECTED.findall(line)]
    assert chosen, line
    assert any(each.id == name for each in CATALOG.parse(chosen[0]).scenarios), line
    program, *words = shlex.split(line)
    assert program in ("payer-sandbox", "curl"), line
    if program == "payer-sandbox":
        command: click.Command | None = cli
        context = click.Context(cli)
        while isinstance(command, click.Group):
            command = command.get_command(context, words.pop(0))
        assert command is not None, line
        command.make_context("payer-sandbox", words)  # raises for an option that is not there
