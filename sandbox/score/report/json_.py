"""The card as JSON: for pipelines, badges and comparisons."""

from __future__ import annotations

from sandbox.core import files
from sandbox.score.card import Card, to_data


def render(card: Card) -> bytes:
    """Indented UTF-8 JSON with a final newline."""
    return files.json_pretty(dict(to_data(card)))
