"""Places: the kinds of requests to which verbs and armed faults apply, by path."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from sandbox.core.files import read_yaml

PLACES: Mapping[str, list[str]] = read_yaml(Path(__file__).with_name("places.yaml"))
"""Globs of paths below the payer's prefix, by the name of the place."""


def is_at(place: str, path: str) -> bool:
    """Return whether requests to this path belong to the place."""
    return any(fnmatchcase(path, glob) for glob in PLACES[place])
