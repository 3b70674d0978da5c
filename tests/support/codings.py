"""Every coding inside a resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def codings(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever has a system and a code, at any depth."""
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        for inner in value.values():
            yield from codings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from codings(inner)
