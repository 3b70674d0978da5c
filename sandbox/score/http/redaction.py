"""Removes secrets from everything that is kept.

The grader never writes what it sends (passwords, codes, verifiers, tokens); but a payer may repeat it in an
error, a request id or an address, complete or cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from sandbox.core import files
from sandbox.score.evidence import Evidence

SHORTEST, TELLING = 6, 12
"""Characters. A shorter secret would remove ordinary words; so many identify a secret that is cut short."""

OURS = frozenset({"method", "step", "resource", "source", "outcome", "who", "line", "from", "rule", "level"})
"""Fields whose words are the grader's own."""

_SECRET = frozenset((
    "access_token", "code", "code_challenge", "code_verifier", "id_token", "nonce", "password",
    "refresh_token", "state", "token",
))  # fmt: skip
"""Parameters and fields whose values are secrets."""
_NAMES = "|".join(sorted(_SECRET))
_QUOTED = re.compile(rf'("(?:{_NAMES})"\s*:\s*)"[^"]*"|(name="(?:{_NAMES})"\s+value=)"[^"]*"')


def struck(evidence: Evidence, secrets: Iterable[str]) -> Evidence:
    """Return the evidence without these secrets, as they are or percent-encoded."""
    kept = evidence.to_json()
    heads = {form[:TELLING] for s in secrets if len(s) >= SHORTEST for form in (s, quote(s, safe=""))}
    present = [head for head in heads if files.json_bytes(head)[1:-1] in kept]
    if not present:
        return evidence
    words = "|".join(map(re.escape, sorted(present, key=len, reverse=True)))
    clean = _without(files.json_value(kept), re.compile(rf"(?:{words})[\w\-.~+/=%]*"))
    return Evidence.from_json(files.json_bytes(clean))


def strike(text: str, secrets: Iterable[str]) -> str:
    """Return a line of text without these secrets."""
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


def shown(url: str, step: str) -> str:
    """Return a URL as evidence may keep it: without secrets, and for sign-in pages without a query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    if step in ("sign-in", "token") or "@" in parts.netloc:
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    if not any(f"{name}=" in parts.query.lower() for name in _SECRET):
        return urlunsplit(parts._replace(fragment=""))
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(k, "…" if k.lower() in _SECRET else v) for k, v in pairs])
    return urlunsplit(parts._replace(query=query, fragment=""))


def redacted(body: bytes, step: str) -> str:
    """Return a body as evidence may keep it: without tokens, codes and passwords.

    Sign-in pages are left out: their forms carry requests that could be taken over.
    """
    if step in ("sign-in", "register"):
        return ""
    text = body.decode("utf-8", "replace")
    return _QUOTED.sub(lambda match: f'{match[1] or match[2]}"…"', text)
