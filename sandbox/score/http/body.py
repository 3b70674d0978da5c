"""Bodies as they came: how large one may be, and the encodings that nobody asked for taken off."""

from __future__ import annotations

import zlib

import httpx

LARGEST = 64 * 1024 * 1024
MOST_CODINGS = 2
TOO_LARGE = f"more than {LARGEST >> 20} MB"

_ZLIB = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def decoded(body: bytes, encoding: str) -> bytes:
    """The body without the encodings that nobody asked for. Raises httpx.HTTPError.

    Only zlib's own, since it can be told when to stop: a bomb in brotli or zstd grows a million times.
    """
    codings = [word for word in encoding.lower().replace(" ", "").split(",") if word not in ("", "identity")]
    if len(codings) > MOST_CODINGS:
        raise httpx.DecodingError(f"encoded {len(codings)} times")
    for coding in reversed(codings):
        if coding not in _ZLIB:
            raise httpx.DecodingError(f"{coding[:20]}, which was not asked for")
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
