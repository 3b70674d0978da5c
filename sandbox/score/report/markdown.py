"""Render the card as Markdown, for pull requests, tickets and job summaries."""

from __future__ import annotations

from sandbox.score.card import Card
from sandbox.score.guidance.links import link_finding
from sandbox.score.report.pages import render_page


def render(card: Card) -> str:
    return render_page("card.md", card=card, link_finding=link_finding)
