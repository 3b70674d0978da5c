"""The card for people: a table that fits 80 columns, and below it what each lost point needs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sandbox.score.card import Card, Line, plain
from sandbox.score.evidence import Value

WIDTH = 80
_UNIT = {"percent": "%", "seconds": "s"}
_STYLE = {"observed": "", "traffic": "", "declared": "dim", "unseen": "yellow"}


def render(card: Card) -> str:
    """The card as plain text, 80 columns, for a pipe or a file."""
    out = StringIO()
    Console(file=out, width=WIDTH, color_system=None, force_terminal=False, highlight=False).print(
        shown(card)
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def shown(card: Card) -> RenderableType:
    """The card for a rich Console (colours where the console has them)."""
    return Group(_head(card), _table(card), _sums(card), *_lost(card), *_findings(card))


def _head(card: Card) -> Text:
    low, high = card.range
    text = Text(f"{card.target}\n")
    text.append(f"{card.score} of {card.max} points", style="bold")
    text.append(f"   edition {card.edition}")
    if high > low:
        text.append(f"   between {low} and {high}: some metrics could not be seen")
    return text.append("\n")


def _table(card: Card) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("Metric", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("Band", overflow="fold")
    table.add_column("Source", no_wrap=True)
    area = ""
    for line in card.lines:
        if line.area != area:
            area = line.area
            mine = [entry for entry in card.lines if entry.area == area]
            total = f"{sum(e.points for e in mine)}/{sum(e.max for e in mine)}"
            table.add_row(Text(area, "bold"), Text(total, "bold"), "", "")
        style = "green" if line.points == line.max else _STYLE[line.source] or "red"
        table.add_row(
            f"  {line.id}", Text(f"{line.points}/{line.max}", style), _band(line), Text(line.source, "dim")
        )
    return table


def _band(line: Line) -> str:
    """The band, and the number that put the metric there."""
    number = _number(line.value, line.unit)
    return f"{line.band} ({number})" if number else line.band


def _number(value: Value, unit: str) -> str:
    """A measured number with its unit; empty for named bands."""
    if isinstance(value, str | tuple):
        return ""
    shown = f"{plain(value):g}" if isinstance(value, Fraction) else str(value)
    if isinstance(value, float):
        shown = f"{value:.2f}"
    return f"{shown} {_UNIT.get(unit, unit)}".strip()


def _sums(card: Card) -> Text:
    vendor = card.vendor
    return Text(
        f"\nVendor view: {card.vendor_score} of {vendor.max} as marked, "
        f"{card.vendor_score_stated} of {vendor.stated_max} as the report's stated sum reads\n"
    )


def _lost(card: Card) -> Iterator[RenderableType]:
    lines = [line for line in card.lines if line.points < line.max]
    if lines:
        yield Text("What was lost, and what would bring it back", style="bold")
    for line in sorted(lines, key=lambda entry: entry.points - entry.max):
        what = "not seen" if line.unseen else f"{line.points - line.max}"
        yield Text(f"{line.id} ({what})", style="bold")
        yield Padding(Text(line.reason), (0, 0, 0, 2))
        yield Padding(Text(f"→ {line.fix}", style="dim"), (0, 0, 0, 2))


def _findings(card: Card) -> Iterator[RenderableType]:
    if card.findings:
        yield Text("\nWhere claims and observations differ", style="bold")
    for finding in card.findings:
        yield Padding(Text(finding), (0, 0, 0, 2))
