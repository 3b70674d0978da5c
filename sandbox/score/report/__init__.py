"""A card in each of its forms. Pure: a Card in, text or bytes out. One module a form, loaded when it is used.

May import: the card, the comparison, rich, orjson, Jinja. Must never: judge, or look at evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath

from sandbox.core import files
from sandbox.core.errors import UsageError
from sandbox.score.card import Card, to_data

FORMS = ("text", "json", "html", "markdown", "junit", "sarif", "badge")
"""All but JSON have a module of their name in this package."""

_SUFFIXES = {".txt": "text", ".json": "json", ".html": "html", ".htm": "html", ".md": "markdown",
             ".xml": "junit", ".sarif": "sarif", ".svg": "badge"}  # fmt: skip


def render(card: Card, form: str) -> bytes:
    """The card in one of FORMS, UTF-8."""
    if form == "json":
        return files.json_pretty(dict(to_data(card)))
    render_form: Callable[[Card], str | bytes] = import_module(f"{__name__}.{form}").render
    content = render_form(card)
    return content if isinstance(content, bytes) else content.encode()


def find_form(name: str) -> str:
    """The form that a file name asks for; `evidence` for evidence, text when it has no suffix.

    Raises UsageError for a suffix that no form has.
    """
    path = PurePath(name)
    if path.stem == "evidence" or path.name.endswith(".evidence.json"):
        return "evidence"
    if path.name.endswith(".sarif.json"):
        return "sarif"
    suffix = path.suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        raise UsageError(f"{path.name}: no form of the card ends in {suffix} ({' '.join(_SUFFIXES)} do)")
    return _SUFFIXES.get(suffix, "text")
