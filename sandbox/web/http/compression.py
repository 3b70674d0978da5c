"""gzip for who asks for it (RFC 9110 §12.5.3). FHIR APIs only use it: no page with a form or a cookie.

Level 1 of zlib: a page of claims shrinks to a twentieth, and higher levels take several times as long
for the last tenth of that.
"""

from __future__ import annotations

import zlib

from flask import Response, request
from werkzeug.http import parse_accept_header

from sandbox.core.cache import bounded

LEAST = 1400
"""Bytes that fit into one packet anyway."""

_GZIP = 16 + zlib.MAX_WBITS


def encode(response: Response) -> None:
    """Compress the body in place, unless it is small, not finished, or not wanted so."""
    if response.status_code != 200 or response.is_streamed:
        return
    response.vary.add("Accept-Encoding")
    if not wanted(request.headers.get("Accept-Encoding", "")) or "Content-Encoding" in response.headers:
        return
    body = response.get_data()
    if len(body) >= LEAST:
        response.set_data(zipped(body))
        response.headers["Content-Encoding"] = "gzip"


@bounded(256 << 10)
def wanted(header: str) -> bool:
    """Whether an Accept-Encoding likes gzip, and no less than the body as it is."""
    liked = parse_accept_header(header)
    return bool(liked) and 0 < liked.quality("gzip") >= liked.quality("identity")


def zipped(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()
