"""What came back over HTTP, and what of it may be looked at or kept."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from sandbox.core import files
from sandbox.score.evidence import Exchange

KEPT = (
    *("location", "retry-after", "date", "content-type", "x-request-id", "x-correlation-id"),
    *("cache-control", "www-authenticate", "refresh"),
)
"""The only headers of an answer that are ever looked at, but for the two that say how to read it."""

_OURS = frozenset({*KEPT, "content-encoding", "set-cookie"})

MOST_PIECES = 6_000_000
"""Values of one body: far more than FHIR puts into 64 MB, far fewer than brackets alone would make of it."""

_REDIRECTS = (301, 302, 303, 307, 308)
_SECRET = frozenset(
    {
        "access_token",
        "code",
        "code_challenge",
        "code_verifier",
        "id_token",
        "nonce",
        "password",
        "refresh_token",
        "state",
        "token",
    }
)


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. `headers` holds the kept ones, lower case; `body` is empty when nothing came."""

    exchange: Exchange
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    url: str = ""

    @property
    def status(self) -> int:
        return self.exchange.status

    @property
    def redirect(self) -> str:
        """Where a redirect leads, absolute; empty for any other answer."""
        location = self.headers.get("location", "")
        return joined(self.url, location) if self.status in _REDIRECTS and location else ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else. Not to be changed: read once."""
        return self._json

    @cached_property
    def _json(self) -> dict[str, Any]:
        pieces = sum(self.body.count(mark) for mark in b"{[,") if len(self.body) > MOST_PIECES else 0
        if pieces > MOST_PIECES:
            return {}
        try:
            value = files.json_value(self.body.removeprefix(codecs.BOM_UTF8))  # as browsers read it
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def word(value: Any) -> str:
    """A stranger's value as a word; of anything with an inside, only what it is: it may have no bottom."""
    if isinstance(value, str):
        return value
    return type(value).__name__ if isinstance(value, dict | list) else str(value)


def joined(base: str, link: str) -> str:
    """A link of a stranger's, absolute; as it is when it cannot be one (the guard then refuses it)."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from delta-seconds or an HTTP date (RFC 9110 §10.2.3); None if not said.

    A date is read against the server's own Date when it sends one: its clock may be elsewhere.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        there = parsedate_to_datetime(headers["date"]) if "date" in headers else now
        return max(0.0, (until - there).total_seconds())
    except (TypeError, ValueError):
        return None


def shown(url: str, step: str) -> str:
    """A URL as evidence may keep it: secrets struck out; sign-in pages without their query at all."""
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


_QUOTED = re.compile(
    rf'("(?:{"|".join(sorted(_SECRET))})"\s*:\s*)"[^"]*"|(name="(?:{"|".join(sorted(_SECRET))})"\s+value=)"[^"]*"'
)


def redacted(body: bytes, step: str) -> str:
    """A body as evidence may keep it when asked to: tokens, codes and passwords struck out.

    Sign-in pages are left out whole: they carry requests that could be taken over.
    """
    if step in ("sign-in", "register"):
        return ""
    text = body.decode("utf-8", "replace")
    return _QUOTED.sub(lambda match: f'{match[1] or match[2]}"…"', text)


def kept_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that are looked at, lower case, repeated ones joined (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in ((n.decode("latin-1").lower(), v) for n, v in raw):
        if name in _OURS:
            text = _text(value)
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
