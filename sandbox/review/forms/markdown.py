"""Render the report card as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from sandbox.core.text import escape
from sandbox.review.card import ReviewCard, ReviewLine
from sandbox.review.forms.text import EVIDENCE_MOST, cited, evidence, summary


def render(card: ReviewCard) -> str:
    lines = [f"# Report card of {_plain(card.client or 'no app')}", ""]
    lines += [f"{summary(card)} ({_plain(card.source)})", ""]
    if card.left_out:
        lines += [f"Not counted: {_plain(card.left_out_words)}", ""]
    lines += ["| row | result | observation |", "|---|---|---|"]
    lines += [f"| `{x.row.id}` | {x.finding.result} | {_plain(x.finding.reason)} |" for x in card.lines]
    for line in card.failed:
        lines += ["", *_failure(line)]
    return "\n".join(lines) + "\n"


def _failure(line: ReviewLine) -> list[str]:
    shown = [f"- `{evidence(e).replace('`', '')}`" for e in line.finding.evidence[:EVIDENCE_MOST]]
    mend = f"{_plain(line.row.fix)} ({cited(line)})"
    return [f"## {line.row.id}", "", _plain(line.finding.reason), "", *shown, "", mend]


def _plain(text: str) -> str:
    """Escape text from outside (addresses, client ids) for Markdown."""
    flat = escape(" ".join(text.split()))
    return "".join(f"\\{sign}" if sign in "\\`*_|<>[]#" else sign for sign in flat)
