"""Secrets that a payer says back: struck out of everything that is kept, wherever they come up.

What we send (passwords, codes, verifiers, tokens) is never written by ourselves; but a payer may repeat
it in an error, a request id or an address, whole or cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from sandbox.core import files
from sandbox.score.evidence import Evidence

SHORTEST, TELLING = 6, 12
"""Characters: a shorter secret would strike out words that only look like it; so many tell a longer one."""

OURS = frozenset({"method", "step", "resource", "source", "outcome", "who", "line", "from", "rule", "level"})
"""Fields whose words are the grader's own."""


def struck(evidence: Evidence, secrets: Iterable[str]) -> Evidence:
    """The evidence without these words, as they are or percent-encoded."""
    kept = evidence.to_json()
    heads = {form[:TELLING] for s in secrets if len(s) >= SHORTEST for form in (s, quote(s, safe=""))}
    present = [head for head in heads if files.json_bytes(head)[1:-1] in kept]
    if not present:
        return evidence
    words = "|".join(map(re.escape, sorted(present, key=len, reverse=True)))
    clean = _without(files.json_value(kept), re.compile(rf"(?:{words})[\w\-.~+/=%]*"))
    return Evidence.from_json(files.json_bytes(clean))


def strike(text: str, secrets: Iterable[str]) -> str:
    """A line of text without these words."""
    forms = {form for s in secrets if len(s) >= SHORTEST for form in (s, quote(s, safe=""))}
    for secret in sorted(forms, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _without(value: Any, secret: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return secret.sub("…", value)
    if isinstance(value, list):
        return [_without(part, secret) for part in value]
    if isinstance(value, dict):
        return {name: part if name in OURS else _without(part, secret) for name, part in value.items()}
    return value
