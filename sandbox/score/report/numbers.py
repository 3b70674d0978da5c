"""Format a metric's value for people."""

from __future__ import annotations

from fractions import Fraction

from sandbox.score.card import plain
from sandbox.score.evidence import Value

_UNIT = {"percent": "%", "seconds": "s"}


def number(value: Value, unit: str) -> str:
    """Format a measured number with its unit; empty for named bands."""
    if isinstance(value, str | tuple):
        return ""
    shown = f"{plain(value):g}" if isinstance(value, Fraction) else str(value)
    if isinstance(value, float):
        shown = f"{value:.2f}"
    noun = unit.removesuffix("s") if shown == "1" else unit
    return f"{shown} {_UNIT.get(unit, noun)}".strip()
