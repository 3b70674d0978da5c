"""Render the card as Markdown, for pull requests, tickets and job summaries."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.core.text import escape
from sandbox.score.card import Card, CardLine
from sandbox.score.guidance.links import link_finding


def render(card: Card) -> str:
    return "\n".join(_lines(card)) + "\n"


def cell(text: str) -> str:
    """Escape text from outside for a table cell."""
    flat = escape(" ".join(text.split()))
    for sign in ("\\", "|", "<", ">", "`", "*", "_", "[", "]"):
        flat = flat.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return flat


def _lines(card: Card) -> Iterator[str]:
    low, high = card.range
    yield f"# {card.score} of {card.max} points\n"
    seed = "" if card.sample_seed is None else f" · sample seed {card.sample_seed}"
    yield f"{cell(card.target)} · edition {card.edition} · {card.taken}{seed}"
    if card.breaches:
        yield "\n**CRITICAL: strangers can get at members' records**\n"
        yield from (
            f"- **{cell(finding.text)}** ({finding.rule}): {cell(finding.fix)}" for finding in card.breaches
        )
    if high > low:
        yield f"\nThe true score lies between {low} and {high}: some metrics could not be seen."
    for area, lines in card.areas.items():
        yield f"\n## {area}: {sum(e.points for e in lines)} of {sum(e.max for e in lines)}\n"
        yield "| metric | points | band | n | source | reason |"
        yield "|---|---:|---|---:|---|---|"
        yield from map(_row, lines)
    yield from _vendor(card)
    yield from _gains(card)
    if card.notes:
        yield "\n## About this examination\n"
        yield from (f"- {cell(note)}" for note in card.notes)
    if card.findings:
        yield "\n## Where sources differ\n"
        yield from (f"- {cell(finding)}" for finding in card.findings)
    yield from _lint(card)


def _vendor(card: Card) -> Iterator[str]:
    vendor = card.vendor
    marked = f"{card.vendor_score} of {vendor.max}"
    stated = f"{card.vendor_score_stated} of {vendor.stated_max}"
    yield f"\nVendor view: {marked} as marked, {stated} as stated. {cell(vendor.note)}"
    yield f"\n- {vendor.max}: {', '.join(line.id for line in card.lines if line.vendor)}"
    yield f"- {vendor.stated_max}: also {', '.join(vendor.stated_adds)}"


def _gains(card: Card) -> Iterator[str]:
    """Yield what the payer can do, then what the person who grades can do."""
    payer = [line for line in card.gains if line.payer_fix]
    if payer:
        yield "\n## What would gain most: for the payer\n"
    for line in payer:
        yield f"- **{line.id}** ({line.lost}): {cell(line.payer_fix)} {_ids(line)}{_help(line.help)}"
    if card.grader_steps:
        yield "\n## What would show more: for you who grade\n"
    for step, lines in card.grader_steps:
        names = ", ".join(f"{line.id} ([help]({line.help}))" for line in lines)
        yield f"- {cell(step)} Up to {sum(line.lost for line in lines)} points: {names}"


def _lint(card: Card) -> Iterator[str]:
    if card.lint:
        yield "\n## Beside the score\n"
        yield "| finding | level | times | where | fix | source |"
        yield "|---|---|---:|---|---|---|"
    for finding in card.lint:
        fix, cite = cell(finding.fix), cell(finding.cite)
        where = cell(finding.place)
        rule = f"[{finding.rule}]({link_finding(finding.rule)})"
        text = f"{cell(finding.text)} ({rule})"
        yield f"| {text} | {finding.level} | {finding.count} | {where} | {fix} | {cite} |"


def _help(link: str) -> str:
    return f"([help]({link}))"


def _row(line: CardLine) -> str:
    return (
        f"| {line.id} {_help(line.help)} | {line.points}/{line.max} | {cell(line.measured_band)} | {line.n} "
        f"| {line.source} | {cell(line.reason)} |"
    )


def _ids(line: CardLine) -> str:
    ids = [exchange.request_id for exchange in line.evidence if exchange.request_id]
    return f"(requests {', '.join(cell(i) for i in ids)}) " if ids else ""
