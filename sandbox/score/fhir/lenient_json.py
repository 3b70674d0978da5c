"""Reads JSON that has invalid values in it, so that one of them does not make the document unreadable.

Numbers out of range, NaN and Infinity, unpaired surrogates, raw control characters and endless nesting are
replaced. Everything else is read as it is.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from sandbox.core import files

DEEPEST = 40
"""Levels that are kept; a facts document has six."""
LONGEST = 18
"""Digits of a whole number that is kept: more do not fit into 64 bits."""

LARGEST = 1_000_000
"""Bytes of a document that is read like this."""

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def read(body: bytes) -> Any:
    """Read the document. Raises ValueError when it is not JSON even so."""
    plain = body.removeprefix(codecs.BOM_UTF8)
    try:
        return files.json_value(plain)
    except ValueError:
        if len(plain) > LARGEST:
            raise
        text = _cut(plain.decode("utf-8", "replace"))
        value = json.loads(text, parse_int=lambda n: int(n) if len(n) <= LONGEST else float(n), strict=False)
        return _whole_text(value)


def read_object(body: bytes) -> dict[str, Any]:
    """Read an object; return an empty one for anything else."""
    try:
        value = read(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _cut(text: str) -> str:
    """Return the text with null for what is nested too deep."""
    kept: list[str] = []
    depth = last = 0
    for piece in _PIECE.finditer(text):
        if piece[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += (text[last : piece.start()], "null")
        elif piece[0] in "]}":
            depth -= 1
            if depth == DEEPEST:
                last = piece.end()
    return "".join(kept) + text[last:] if depth == 0 else ""


def _whole_text(value: Any) -> Any:
    """Return the value with a question mark for each unpaired surrogate, which no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_whole_text(entry) for entry in value]
    if isinstance(value, dict):
        return {_whole_text(key): _whole_text(entry) for key, entry in value.items()}
    return value
