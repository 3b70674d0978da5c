"""Render the card as an HTML page."""

from __future__ import annotations

from sandbox.score.card import Card
from sandbox.score.guidance.entries import read_guidance
from sandbox.score.guidance.links import link_finding
from sandbox.score.report.pages import render_page


def render(card: Card) -> str:
    return render_page(
        "card.html", card=card, share=_share, guidance=read_guidance, link_finding=link_finding
    )


def _share(points: int, most: int) -> int:
    """Return the percentage, for the length of a bar."""
    return round(100 * points / most) if most else 0
