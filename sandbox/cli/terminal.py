"""What `journal`, `members` and `scenarios` print on a terminal: in color, wrapped at its width.

Fields of strangers are escaped here. In a pipe the commands print plain lines instead (`core.text.say`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.core.text import escape, status_color

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sandbox.faults.scenario import Scenario


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def _show(renderable: RenderableType, *, soft_wrap: bool = False) -> None:
    from rich.console import Console

    Console(highlight=False, emoji=False).print(renderable, soft_wrap=soft_wrap)


def show_entry(entry: Mapping[str, Any], *, explain: bool) -> None:
    """Print an entry of the journal: a line, and where asked for why it was refused and what to do."""
    from rich.padding import Padding
    from rich.text import Text

    status = int(entry["status"])
    line = Text.assemble(
        (escape(entry["at"]), "dim"),
        "  ",
        (str(status), status_color(status)),
        f"  {escape(entry['method']):<5}{escape(entry['path'])}",
    )
    for names, color in ((entry["effects"], "magenta"), (entry.get("because", ()), "dim magenta")):
        if names:
            earlier = "earlier " if color.startswith("dim") else ""
            line.append(f"  {escape(', '.join(earlier + name for name in names))}", color)
    _show(line, soft_wrap=True)
    if explain and "why" in entry:
        _show(Padding(Text(escape(entry["why"])), (0, 0, 0, 4)))
        _show(Padding(Text(escape(entry["repair"]), "green"), (0, 0, 0, 4)))


def show_members(rows: Iterable[Sequence[str]]) -> None:
    """Print members: user name, password, then role and purpose, or the name."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for username, password, *role, about in rows:
        color = "green" if role == ["eligible"] else "yellow"
        roles = [Text(escape(text), color) for text in role]
        table.add_row(Text(escape(username), "bold"), Text(escape(password)), *roles, Text(escape(about)))
    _show(table)


def show_scenarios(rows: Iterable[tuple[Scenario, str, Sequence[str]]]) -> None:
    """Print scenarios, each with its score and further lines."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    for scenario, score, details in rows:
        color = "green" if score.startswith("100 of 100") else "red" if "sign in" in score else "yellow"
        lines = [Text(escape(scenario.title)), Text(f"score: {escape(score)}", color)]
        lines += [Text(escape(detail), "dim") for detail in details]
        head = Text.assemble((escape(scenario.id), "bold cyan"), (f"  {scenario.area}", "dim"))
        _show(Group(head, Padding(Group(*lines), (0, 0, 0, 4))))
