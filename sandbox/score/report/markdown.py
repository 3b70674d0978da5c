"""The card as Markdown: for pull requests, tickets and job summaries."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.core.text import escape
from sandbox.score.card import Card, Line
from sandbox.score.report.numbers import number


def render(card: Card) -> str:
    return "\n".join(_lines(card)) + "\n"


def cell(text: str) -> str:
    """Text inside a table's cell: strangers' words may hold anything."""
    flat = escape(" ".join(text.split()))
    for sign in ("\\", "|", "<", ">", "`", "*", "_", "[", "]"):
        flat = flat.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return flat


def _lines(card: Card) -> Iterator[str]:
    low, high = card.range
    yield f"# {card.score} of {card.max} points"
    yield ""
    seed = "" if card.sample_seed is None else f" · sample seed {card.sample_seed}"
    yield f"{cell(card.target)} · edition {card.edition} · {card.taken}{seed}"
    if card.breaches:
        yield ""
        yield "**CRITICAL: strangers can get at members' records**"
        yield ""
        yield from (f"- **{cell(found.text)}** ({found.rule}): {cell(found.fix)}" for found in card.breaches)
    if high > low:
        yield ""
        yield f"The true score lies between {low} and {high}: some metrics could not be seen."
    area = ""
    for line in card.lines:
        if line.area != area:
            area = line.area
            mine = [entry for entry in card.lines if entry.area == area]
            yield ""
            yield f"## {area}: {sum(e.points for e in mine)} of {sum(e.max for e in mine)}"
            yield ""
            yield "| metric | points | band | n | source | reason |"
            yield "|---|---:|---|---:|---|---|"
        yield _row(line)
    vendor = card.vendor
    yield ""
    marked = f"{card.vendor_score} of {vendor.max}"
    stated = f"{card.vendor_score_stated} of {vendor.stated_max}"
    yield f"Vendor view: {marked} as marked, {stated} as stated."
    if card.gains:
        yield ""
        yield "## What would gain most"
        yield ""
    for line in card.gains:
        what = f"up to {line.lost}, not seen" if line.unseen else f"{line.lost}"
        yield f"- **{line.id}** ({what}): {cell(line.fix)} {_ids(line)}".rstrip()
    if card.findings:
        yield ""
        yield "## Where sources differ"
        yield ""
        yield from (f"- {cell(finding)}" for finding in card.findings)
    if card.lint:
        yield ""
        yield "## Beside the score"
        yield ""
        yield "| finding | level | times | fix | source |"
        yield "|---|---|---:|---|---|"
    for found in card.lint:
        fix, cite = cell(found.fix), cell(found.cite)
        yield f"| {cell(found.text)} ({found.rule}) | {found.level} | {found.count} | {fix} | {cite} |"


def _row(line: Line) -> str:
    measured = number(line.value, line.unit)
    band = f"{line.band} ({measured})" if measured else line.band
    return (
        f"| {line.id} | {line.points}/{line.max} | {cell(band)} | {line.n} | {line.source} "
        f"| {cell(line.reason)} |"
    )


def _ids(line: Line) -> str:
    ids = [exchange.request_id for exchange in line.evidence if exchange.request_id]
    return f"(requests {', '.join(cell(i) for i in ids)})" if ids else ""
