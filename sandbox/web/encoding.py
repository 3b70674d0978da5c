"""gzip for who asks for it (RFC 9110 §12.5.3), under /fhir only: no page with a form or a cookie.

Level 1 of zlib: a page of claims shrinks to a twentieth, and higher levels take several times as long
for the last tenth of that.
"""

from __future__ import annotations

import zlib

from flask import Response, request

LEAST = 1400
"""Bytes that fit into one packet anyway."""

_GZIP = 16 + zlib.MAX_WBITS


def encode(response: Response) -> None:
    """Compress the body in place, unless it is small, not finished, or not wanted so."""
    if response.status_code != 200 or response.is_streamed or not request.path.startswith("/fhir"):
        return
    response.vary.add("Accept-Encoding")
    liked = request.accept_encodings
    if not liked or liked.quality("gzip") <= 0 or liked.quality("identity") > liked.quality("gzip"):
        return
    body = response.get_data()
    if len(body) < LEAST or "Content-Encoding" in response.headers:
        return
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    response.set_data(packer.compress(body) + packer.flush())
    response.headers["Content-Encoding"] = "gzip"
