"""Options that several commands share. Those of settings come from the table in `settings.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

import click

from sandbox.cli.completion import complete_scenarios
from sandbox.core.text import say
from sandbox.settings import SETTINGS

Decorator = Callable[[Any], Any]

_KINDS: dict[str, dict[str, Any]] = {"int": {"type": int}, "bool": {"is_flag": True, "default": None}}


def setting_option(name: str, flag: str = "", **attributes: Any) -> Decorator:
    """Return the option of a setting. It is None when it is left out, so that the environment counts."""
    setting = SETTINGS[name]
    help = attributes.pop("help", setting.metadata["help"])
    shown = setting.metadata["shown"] or (setting.default if setting.default is not MISSING else "")
    if shown:
        help += f"  [default: {shown}]"
    kind = _KINDS.get(str(setting.type), {})
    if choices := setting.metadata["choices"]:
        kind = {"type": click.Choice(choices)}
    return click.option(flag or f"--{name.replace('_', '-')}", name, **(kind | attributes), help=help)


def with_options(*options: Decorator) -> Decorator:
    """Return a decorator that adds options to a command, in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


population_options = with_options(*map(setting_option, ("members", "seed", "today", "carin", "us_core")))

url_option = click.option(
    "--url", help="URL of the sandbox, without /fhir.  [default: this machine, PAYER_SANDBOX_PORT]"
)
payer_options = with_options(
    url_option,
    click.option(
        "--scenario",
        help="Payer of this scenario, and session (scenario~session).",
        shell_complete=complete_scenarios,
    ),
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
json_format_option = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    from sandbox.core.files import json_pretty  # imports YAML, which `--help` does not need

    say(json_pretty(value).decode(), nl=False)
