"""The HTML pages of the reports. Each is one file that needs nothing else: to read, print and forward."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def build_environment() -> Environment:
    """Everything is escaped: reasons and findings hold strangers' words."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
