"""Answers over HTTP, decoded and read with limits."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx

from sandbox.core import files
from sandbox.core.urls import join_url
from sandbox.score.evidence import Exchange

KEPT = (
    *("location", "retry-after", "date", "content-type", "x-request-id", "x-correlation-id"),
    *("cache-control", "www-authenticate", "refresh"),
)
"""The only headers of an answer that are read, besides Content-Encoding and Set-Cookie."""

MOST_PIECES = 6_000_000
"""Values of one body: far more than FHIR puts into 64 MB, far fewer than brackets alone would make of it."""

LARGEST = 64 * 1024 * 1024
MOST_CODINGS = 2
TOO_LARGE = f"more than {LARGEST >> 20} MB"

_ZLIB = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class HttpAnswer:
    """An answer. `headers` holds those of KEPT, lower case; `body` is empty when no answer came."""

    exchange: Exchange
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    url: str = ""

    @property
    def status(self) -> int:
        return self.exchange.status

    @property
    def redirect(self) -> str:
        """The absolute URL that a redirect leads to; empty for any other answer."""
        location = self.headers.get("location", "")
        return join_url(self.url, location) if self.status in _REDIRECTS and location else ""

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; empty for anything else. It is cached: do not change it."""
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
    """Return a stranger's value as text; of a list or object only its type, since it may be endless."""
    if isinstance(value, str):
        return value
    return type(value).__name__ if isinstance(value, dict | list) else str(value)


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a list; nothing where there is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; nothing where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait, from delta-seconds or an HTTP date; None without either.

    RFC 9110 §10.2.3. A date is compared with the server's own Date when it sends one: its clock may be wrong.
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


def decoded(body: bytes, encoding: str) -> bytes:
    """Decode a body whose encoding was not asked for. Raises httpx.HTTPError.

    Only gzip and deflate: zlib can stop at a limit, while brotli and zstd can expand a millionfold.
    """
    codings = [word for word in encoding.lower().replace(" ", "").split(",") if word not in ("", "identity")]
    if len(codings) > MOST_CODINGS:
        raise httpx.DecodingError(f"encoded {len(codings)} times")
    for coding in reversed(codings):
        if coding not in _ZLIB:
            raise httpx.DecodingError(f"{coding[:20]}, which was not requested")
        try:
            body = _inflated(body, _ZLIB[coding])
        except zlib.error as problem:
            raise httpx.DecodingError(str(problem)) from None
    return body


def _inflated(body: bytes, wbits: int) -> bytes:
    opened = zlib.decompressobj(wbits)
    try:
        inflated = opened.decompress(body, LARGEST + 1)
    except zlib.error:
        if wbits != zlib.MAX_WBITS:
            raise
        inflated = zlib.decompressobj(-wbits).decompress(body, LARGEST + 1)  # deflate without its header
    if len(inflated) > LARGEST:
        raise httpx.ReadError(TOO_LARGE)
    return inflated
