"""Every form a card can take, and which form a file's name asks for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath

from sandbox.core.errors import UsageError
from sandbox.score.card import Card

MODULES = {
    "text": "text",
    "json": "json_",
    "html": "html",
    "markdown": "markdown",
    "junit": "junit",
    "sarif": "sarif",
    "badge": "badge",
}
"""Format → the module of this room that renders it."""

_SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".xml": "junit",
    ".sarif": "sarif",
    ".svg": "badge",
}


def render(card: Card, form: str) -> bytes:
    """The card in one of MODULES' forms, UTF-8."""
    module = import_module(f"sandbox.score.report.{MODULES[form]}")
    make: Callable[[Card], str | bytes] = module.render
    content = make(card)
    return content if isinstance(content, bytes) else content.encode()


def form_of(name: str) -> str:
    """The form a file name asks for; `evidence` for evidence, text when it has no suffix. Raises
    UsageError for a suffix that no form has."""
    path = PurePath(name)
    if path.stem == "evidence" or path.name.endswith(".evidence.json"):
        return "evidence"
    if path.name.endswith(".sarif.json"):
        return "sarif"
    suffix = path.suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        raise UsageError(f"{path.name}: no form of the card ends in {suffix} ({' '.join(_SUFFIXES)} do)")
    return _SUFFIXES.get(suffix, "text")
