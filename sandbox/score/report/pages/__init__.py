"""The pages of the reports, in HTML and Markdown. Each is one file that needs nothing else: to read, print
and forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sandbox.core.text import escape, quantity


def render_page(template: str, **values: Any) -> str:
    """Render a template of this folder. HTML escapes every value; Markdown does by the filter `cell`."""
    return build_environment().get_template(template).render(values)


def build_environment() -> Environment:
    """Return the templates of this folder: reasons and findings in them hold strangers' words."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(disabled_extensions=("md",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell
    environment.globals["quantity"] = quantity
    return environment


def cell(text: str) -> str:
    """Escape text from outside for a Markdown table cell."""
    flat = escape(" ".join(text.split()))
    for sign in ("\\", "|", "<", ">", "`", "*", "_", "[", "]"):
        flat = flat.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return flat
