"""Render a comparison of two cards as text, JSON or Markdown."""

from __future__ import annotations

from sandbox.core import files
from sandbox.core.text import escape
from sandbox.score.report.card_comparison import Change, Comparison, to_data
from sandbox.score.report.pages import cell

FORMS = ("text", "json", "markdown")


def render(comparison: Comparison, form: str) -> str:
    if form == "json":
        return files.json_pretty(to_data(comparison)).decode()
    return _markdown(comparison) if form == "markdown" else _text(comparison)


def _text(comparison: Comparison) -> str:
    old, new = comparison.before, comparison.after
    lines = [
        f"A  {old.score:>3} of {old.max}  {escape(old.target)}",
        f"B  {new.score:>3} of {new.max}  {escape(new.target)}",
        f"   {comparison.by:+d}" if comparison.by else "   the same score",
    ]
    if comparison.moved:
        lines.append("")
    for change in sorted(comparison.moved, key=lambda c: c.by):
        lines.append(f"{change.metric:<23}{_points(change):<22}{_note(change)}".rstrip())
        lines.append(f"    {escape(change.why)}")
    for rule in comparison.new_lint:
        lines.append(f"new finding: {escape(rule)}")
    for rule in comparison.gone_lint:
        lines.append(f"gone: {escape(rule)}")
    return "\n".join(lines) + "\n"


def _markdown(comparison: Comparison) -> str:
    old, new = comparison.before, comparison.after
    lines = [
        f"# {old.score} → {new.score} of {new.max} ({comparison.by:+d})",
        "",
        f"{cell(old.target)} → {cell(new.target)} · edition {new.edition}",
    ]
    if comparison.moved:
        lines += ["", "| metric | before | after | | why |", "|---|---:|---:|---:|---|"]
    for change in sorted(comparison.moved, key=lambda c: c.by):
        before = "–" if change.before is None else change.before
        after = "–" if change.after is None else change.after
        note = f"{change.by:+d} {_note(change)}".strip()
        lines.append(f"| {change.metric} | {before} | {after} | {note} | {cell(change.why)} |")
    if not comparison.moved:
        lines += ["", "No metric moved."]
    lines += [f"\n- new finding: {rule}" for rule in comparison.new_lint]
    lines += [f"\n- gone: {rule}" for rule in comparison.gone_lint]
    return "\n".join(lines) + "\n"


def _points(change: Change) -> str:
    before = "–" if change.before is None else str(change.before)
    after = "–" if change.after is None else str(change.after)
    return f"{before} → {after} of {change.max} ({change.by:+d})"


def _note(change: Change) -> str:
    if change.seen_before and not change.seen_after:
        return "not seen this time"
    return "seen for the first time" if change.seen_after and not change.seen_before else ""
