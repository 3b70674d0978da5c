"""Render the report card as text of 80 columns: a line for each row, then the fix of each failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sandbox.core.text import escape, quantity, render_plain
from sandbox.review.card import ReviewCard, ReviewLine
from sandbox.review.journal import JournalExchange

EVIDENCE_MOST = 4
_STYLES = {"pass": "green", "fail": "red", "not exercised": "dim"}


def render(card: ReviewCard) -> str:
    """Render the card as plain text, for a pipe or a file."""
    return render_plain(shown(card))


def shown(card: ReviewCard) -> RenderableType:
    """Return the card for a rich Console, which adds colors where it has them."""
    rows, scenarios = card.rows, card.scenarios
    heading = Text("\nScenarios that affected the app", style="bold")
    met: Sequence[RenderableType] = (heading, _table(scenarios)) if scenarios else ()
    return Group(_head(card), _table(rows), *met, *_failures(card))


def summary(card: ReviewCard) -> str:
    counts = [(len(card.select("pass")), "passed"), (len(card.failed), "failed")]
    parts = [f"{count} {word}" for count, word in counts]
    return ", ".join([*parts, f"{len(card.select('not exercised'))} not exercised"])


def _head(card: ReviewCard) -> Text:
    text = Text(f"{escape(card.source)}\n")
    text.append(escape(card.client or "no app"), style="bold")
    text.append(f"   {summary(card)}   {quantity(card.exchanges, 'exchange')}\n")
    if card.left_out:
        text.append(f"not counted: {card.left_out_words}\n", style="dim")
    return text


def _table(lines: Sequence[ReviewLine]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=32)
    table.add_column(overflow="fold")
    for line in lines:
        result = line.finding.result
        style = _STYLES[result]
        word = "–" if result == "not exercised" else result
        table.add_row(
            Text(word, style),
            Text(escape(line.row.id.rpartition(":")[2]), style),
            Text(escape(line.finding.reason), "dim"),
        )
    return table


def _failures(card: ReviewCard) -> Iterator[RenderableType]:
    if card.failed:
        yield Text("\nWhat to fix", style="bold")
    for line in card.failed:
        yield Text(escape(line.row.id), style="bold")
        yield Padding(Text(escape(line.finding.reason)), (0, 0, 0, 2))
        for exchange in line.finding.evidence[:EVIDENCE_MOST]:
            yield Padding(Text(evidence(exchange), style="dim", overflow="fold"), (0, 0, 0, 4))
        if (more := len(line.finding.evidence) - EVIDENCE_MOST) > 0:
            yield Padding(Text(f"and {more} more", style="dim"), (0, 0, 0, 4))
        yield Padding(Text(f"→ {line.row.fix}"), (0, 0, 0, 2))
        yield Padding(Text(f"({cited(line)})", style="dim"), (0, 0, 0, 4))


def evidence(exchange: JournalExchange) -> str:
    """Describe an exchange in one line: number, time, status, request, and its id in the journal."""
    at = exchange.at.strftime("%H:%M:%S.") + f"{exchange.at.microsecond // 1000:03}"
    words = f"#{exchange.number} {at} {exchange.status} {exchange.method} {exchange.path}"
    return escape(f"{words} {exchange.request}".rstrip())


def cited(line: ReviewLine) -> str:
    return "; ".join(line.row.cites)
