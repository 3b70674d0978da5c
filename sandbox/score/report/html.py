"""The card as one HTML file that needs nothing from anywhere: to read, to print, to forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.score.card import Card, CardLine
from sandbox.score.guidance.entries import read_guidance
from sandbox.score.guidance.links import link_finding
from sandbox.score.report.numbers import number

PAGES = Path(__file__).parent / "pages"


def environment() -> Environment:
    """Everything is escaped: reasons and findings hold strangers' words."""
    jinja = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["number"] = lambda line: number(line.value, line.unit)
    return jinja


def render(card: Card) -> str:
    areas: dict[str, list[CardLine]] = {}
    for line in card.lines:
        areas.setdefault(line.area, []).append(line)
    return (
        environment()
        .get_template("card.html")
        .render(card=card, areas=areas, share=_share, guidance=read_guidance, link_finding=link_finding)
    )


def _share(points: int, most: int) -> int:
    """Percent, for the length of a bar."""
    return round(100 * points / most) if most else 0


def render_fleet(**values: Any) -> str:
    """The report over many payers, as one HTML file."""
    return environment().get_template("fleet.html").render(**values)
