"""Build the pages in docs/checks from the guidance and the edition.

`python -m sandbox.score.guidance.pages docs/checks` writes them; a test compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.core.text import say
from sandbox.score.editions.catalog import load
from sandbox.score.editions.edition import Edition, Metric
from sandbox.score.guidance.entries import Advice, Guidance, read_guidance
from sandbox.score.lint.rules import RULES

EDITION = "2025-05"
MADE = "`python -m sandbox.score.guidance.pages docs/checks` generates this page."


def build_pages() -> dict[str, str]:
    """File name → Markdown."""
    edition = load(EDITION)
    pages = {"README.md": _index(edition), "findings.md": _findings()}
    for metric in edition.metrics:
        guidance = read_guidance(metric.id)
        if guidance is None:
            raise ValueError(f"no guidance for {metric.id}")
        pages[f"{metric.id}.md"] = "\n".join(_page(edition, metric, guidance)) + "\n"
    return pages


def _page(edition: Edition, metric: Metric, guidance: Guidance) -> Iterator[str]:
    both = "payers and vendors" if "vendor" in metric.audience else "payers"
    yield f"# {metric.title} (`{metric.id}`)"
    yield f"\n{guidance.measures} {metric.why}"
    yield f"\nEdition {edition.id}: {metric.points} of {edition.max} points, for {both}."
    yield "\n## How it is counted\n"
    yield from (f"- {line}" for line in guidance.counted)
    yield "\n## Points\n\n| band | points |\n|---|---:|"
    for band in metric.bands:
        words = " or ".join(dict.fromkeys([band.band, *band.also.values()]))
        yield f"| {words} | {band.points} |"
    yield from (f"| {name} | {points} |" for name, points in metric.adds.items())
    causes = guidance.all_causes
    yield from _causes("Causes and fixes for the payer", causes, "fix")
    yield from _causes("Why the scorer may not see it, and what you can do", causes, "next")
    yield "\n## Sources\n"
    yield from (f"- {cite}" for cite in metric.cites)
    yield from (f"- [{link.text}]({link.url})" for link in guidance.links)
    yield f"\n{MADE}"


def _causes(title: str, causes: Mapping[str, Advice], address: str) -> Iterator[str]:
    """Yield the causes of one addressee; a cause with both kinds of advice is the payer's."""
    mine = {name: advice for name, advice in causes.items() if bool(advice.fix) == (address == "fix")}
    if mine:
        yield f"\n## {title}"
    for name, advice in mine.items():
        yield f"\n### {name}\n\n{advice.means}"
        if advice.fix:
            yield f"\nFix: {advice.fix}"
        if advice.next:
            yield f"\nWhen you grade: {advice.next}"


def _index(edition: Edition) -> str:
    lines = [
        "# Checks\n",
        "Look up here what each metric of the score card measures, why it loses points and how to fix that.",
    ]
    lines.append("[Findings](findings.md) lists what the scorer reports without counting it in the score.\n")
    lines += ["| metric | points | what it measures |", "|---|---:|---|"]
    for metric in edition.metrics:
        guidance = read_guidance(metric.id)
        measures = guidance.measures if guidance else ""
        lines.append(f"| [{metric.id}]({metric.id}.md) | {metric.points} | {measures} |")
    return "\n".join(lines) + f"\n\n{MADE}\n"


def _findings() -> str:
    lines = ["# Findings\n", "Look up here the findings that do not affect the score, and how to fix them."]
    for name, rule in RULES.items():
        title = rule.title[:1].upper() + rule.title[1:]
        lines.append(f"\n## {name}\n\n{title}. Level: {rule.level}. Source: {rule.cite}.")
        lines.append(f"\nFix: {rule.fix}")
    return "\n".join(lines) + f"\n\n{MADE}\n"


def write(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in build_pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    say(f"{sys.argv[1]}: {len(build_pages())} pages")
