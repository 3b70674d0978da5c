"""Shell completion of scenarios and members, from the files themselves: a Tab waits for no other import."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

from sandbox.core.errors import UsageError
from sandbox.settings import Settings, catalogue, from_env

_TITLE = re.compile(r"^title: *(.+)", re.MULTILINE)
_MEMBER = re.compile(r"^  - username: *(\S+)(?:\n(?:   .*)?)*?\n    purpose: *(.+)", re.MULTILINE)


def complete_scenarios(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the scenarios that begin so, also as the last of several (`slow-responses.rate…`)."""
    before, dot, last = incomplete.rpartition(".")
    if "~" in incomplete or "," in last:
        return []
    return [
        CompletionItem(f"{before}{dot}{id}", help=title)
        for id, title in sorted(_list_scenarios(_settings()))
        if id.startswith(last)
    ]


def complete_members(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the named members whose user name begins so; after `@`, the scenarios."""
    username, at, _ = incomplete.partition("@")
    if at:
        scenarios = complete_scenarios(context, parameter, incomplete.removeprefix(f"{username}@"))
        return [CompletionItem(f"{username}@{item.value}", help=item.help) for item in scenarios]
    text = (_settings().fixtures / "members.yaml").read_text(encoding="utf-8")
    return [
        CompletionItem(name, help=purpose.strip('"'))
        for name, purpose in _MEMBER.findall(text)
        if name.startswith(username)
    ]


def _settings() -> Settings:
    try:
        return from_env()
    except UsageError:  # the command says so when it runs
        return Settings()


def _list_scenarios(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield id and title of the scenarios: the built-in ones and your own."""
    for place in catalogue(settings):
        for file in place.glob("*.yaml") if place.is_dir() else [place]:
            if match := _TITLE.search(file.read_text(encoding="utf-8", errors="replace")):
                yield file.stem, match[1].strip("\"'")
