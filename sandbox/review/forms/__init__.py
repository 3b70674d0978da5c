"""Render the report card as text, JSON, Markdown or JUnit XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.core.files import json_pretty
from sandbox.review.card import ReviewCard
from sandbox.review.forms import junit, markdown, text
from sandbox.review.forms.text import summary

__all__ = ["render", "summary"]

_FORMS: Mapping[str, Callable[[ReviewCard], str]] = {
    "text": text.render,
    "json": lambda card: json_pretty(card.to_json()).decode(),
    "markdown": markdown.render,
    "junit": junit.render,
}


def render(card: ReviewCard, form: str) -> str:
    """Render the card as `text`, `json`, `markdown` or `junit`."""
    return _FORMS[form](card)
