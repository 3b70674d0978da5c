"""Forms: JSON with blanks, written once and filled in many times.

Claims for the same service differ in a date or a number. The rest is text that need not be put together
again.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.files import json_bytes
from sandbox.synth.fhir.elements import Piece

BLANK = "\0"
"""Stands in a form for (a part of) a string that JSON writes as it is: an id, a date, a number."""


class Template:
    """A value with BLANKs in it."""

    def __init__(self, value: Any) -> None:
        text, *others = json_bytes(value).decode().split("\\u0000")
        self._parts = [text]
        for other in others:
            self._parts += ("", other)

    def filled(self, *values: str) -> Piece:
        """The JSON with a value for each blank, in their order. Raises ValueError for too few or many."""
        parts = self._parts.copy()
        parts[1::2] = values
        return Piece("".join(parts))
