"""Render the score as a badge: one small SVG without external resources."""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.score.card import Card

LABEL = "patient access"
_COLORS = ((90, "#2e7d32"), (75, "#558b2f"), (60, "#9a6700"), (40, "#b45309"), (0, "#b3261e"))


def render(card: Card) -> str:
    low, high = card.range
    score = f"{low}/{card.max}" if low == high else f"{low}–{high}/{card.max}"
    if card.breaches:
        score += f" · {quantity(len(card.breaches), 'breach', 'breaches')}"
    share = 100 * low / card.max if card.max else 0
    color = next(color for least, color in _COLORS if share >= least)
    color = _COLORS[-1][1] if card.breaches else color
    left, right = _width(LABEL), _width(score)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{LABEL}: {score}"><title>{LABEL}: {score}, edition {card.edition}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14">{LABEL}</text>'
        f'<text x="{left + right / 2}" y="14">{score}</text></g></svg>\n'
    )


def _width(text: str) -> int:
    """Estimate the width in pixels of 11 px Verdana."""
    return round(len(text) * 6.8) + 10
