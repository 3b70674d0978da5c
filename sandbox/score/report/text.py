"""Render the card as text of 80 columns: a table, then the advice for lost points."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sandbox.core.text import escape, render_plain
from sandbox.score.card import Card, CardLine
from sandbox.score.evidence import Exchange
from sandbox.score.guidance.links import link_finding

SLOW_MS = 250.0
"""Milliseconds from which a request's time is shown."""
_STYLE = {"observed": "", "traffic": "", "declared": "dim", "unseen": "yellow"}


def render(card: Card) -> str:
    """Render the card as plain text of 80 columns, for a pipe or a file."""
    return render_plain(shown(card))


def shown(card: Card) -> RenderableType:
    """Return the card for a rich Console, which adds colors where it has them."""
    return Group(_head(card), *_breaches(card), _table(card), _sums(card), *_lost(card), *_findings(card))


def _head(card: Card) -> Text:
    low, high = card.range
    text = Text(f"{escape(card.target)}\n")
    text.append(f"{card.score} of {card.max} points", style="bold")
    text.append(f"   edition {card.edition}")
    if card.sample_seed is not None:
        text.append(f"   sample seed {card.sample_seed}")
    if high > low:
        text.append(f"   between {low} and {high}: some metrics could not be seen")
    return text.append("\n")


def _breaches(card: Card) -> Iterator[RenderableType]:
    """Yield the critical findings, which come first."""
    if card.breaches:
        yield Text("CRITICAL: members' records are not protected", style="bold red")
    for finding in card.breaches:
        yield _indented(finding.text, "red")
        yield _indented(f"→ {finding.fix} ({finding.rule})")
    if card.breaches:
        yield Text("")


def _table(card: Card) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("Metric", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("Band", overflow="fold")
    table.add_column("Source", no_wrap=True)
    for area, lines in card.areas.items():
        total = f"{sum(e.points for e in lines)}/{sum(e.max for e in lines)}"
        table.add_row(Text(area, "bold"), Text(total, "bold"), "", "")
        for line in lines:
            style = "green" if line.points == line.max else _STYLE[line.source] or "red"
            points, band = Text(f"{line.points}/{line.max}", style), Text(escape(line.measured_band))
            table.add_row(f"  {line.id}", points, band, Text(line.source, "dim"))
    return table


def _sums(card: Card) -> RenderableType:
    """Return the vendor's two sums, and why there are two."""
    vendor = card.vendor
    sums = Text(
        f"\nVendor view: {card.vendor_score} of {vendor.max} for the marked metrics, "
        f"{card.vendor_score_stated} of {vendor.stated_max} for the report's stated sum\n"
    )
    counted = ", ".join(line.id for line in card.lines if line.vendor)
    added = ", ".join(vendor.stated_adds)
    sums.append(f"{escape(vendor.note)}\n{vendor.max}: {counted}\n", style="dim")
    sums.append(f"{vendor.stated_max}: also {added}\n", style="dim")
    return sums


def _lost(card: Card) -> Iterator[RenderableType]:
    if card.gains:
        yield Text("Lost points and how to gain them (most points first)", style="bold")
        yield Text("→ what the payer can do, ⇒ what you can do", style="dim")
    together = _unseen_together(card)
    for line in card.gains:
        if line.unseen and line.reason in together:
            continue
        what = "not seen" if line.unseen else f"{line.points - line.max}"
        yield Text(f"{line.id} ({what})", style="bold")
        yield _indented(line.reason, "")
        if line.payer_fix:
            yield _indented(f"→ {line.payer_fix}")
        if line.next:
            yield _indented(f"⇒ {line.next}")
        for exchange in [] if line.unseen else line.evidence[:2]:
            yield _indented(_request(exchange))
        yield _indented(f"see {line.help}")
    for reason, lines in together.items():
        yield Text(f"Not seen, {sum(line.max for line in lines)} points in all", style="bold")
        yield _indented(", ".join(line.id for line in lines), "")
        yield _indented(reason, "")
        for advice in dict.fromkeys(line.next for line in lines if line.next):
            yield _indented(f"⇒ {advice}")
        yield _indented(f"see {lines[0].help}")


def _indented(text: str, style: str = "dim", width: int = 2) -> RenderableType:
    return Padding(Text(escape(text), style=style), (0, 0, 0, width))


def _request(exchange: Exchange) -> str:
    """Describe a request in one line: request, status, note and id."""
    status = str(exchange.status) if exchange.status else "no answer"
    words = [exchange.method, exchange.url, status]
    words += [f"in {exchange.ms / 1000:.1f} s"] if exchange.ms >= SLOW_MS else []
    words += [f"({note})" for note in (exchange.note or exchange.flaw,) if note]
    words += [f"request {exchange.request_id}"] if exchange.request_id else []
    return " ".join(words)


def _unseen_together(card: Card) -> dict[str, list[CardLine]]:
    """Group unseen metrics by reason, where several share one."""
    groups: dict[str, list[CardLine]] = {}
    for line in card.gains:
        if line.unseen:
            groups.setdefault(line.reason, []).append(line)
    return {reason: lines for reason, lines in groups.items() if len(lines) > 1}


def _findings(card: Card) -> Iterator[RenderableType]:
    if card.notes:
        yield Text("\nAbout this examination", style="bold")
    for note in card.notes:
        yield _indented(note, "")
    if card.findings:
        yield Text("\nWhere claims and observations differ", style="bold")
    for difference in card.findings:
        yield _indented(difference, "")
    if card.lint:
        yield Text("\nFindings that do not affect the score", style="bold")
    for finding in card.lint:
        times = f" ({finding.count} times)" if finding.count > 1 else ""
        yield _indented(f"{finding.level}: {finding.text}{times}", "")
        request = finding.request_id and f"request {finding.request_id}"
        where = ", ".join(filter(None, (finding.where, request)))
        yield _indented(f"{finding.rule}: {finding.cite}" + (f"; {where}" if where else ""), width=4)
        yield _indented(f"→ {finding.fix}", width=4)
        yield _indented(f"see {link_finding(finding.rule)}", width=4)
