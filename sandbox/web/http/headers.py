"""The headers that are read of requests, and written for apps, in one place; and correlation.

A client's `X-Request-Id` comes back as `X-Correlation-Id`, since the request id of an answer is ours
(R4 §3.1.0.11 "custom headers").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

READ = (
    "Accept",
    "Authorization",
    "Content-Type",
    "If-Modified-Since",
    "If-None-Match",
    "Prefer",
    "X-Correlation-Id",
    "X-Request-Id",
    "X-Sandbox-Fail-Next",
    "X-Sandbox-Scenario",
)
"""What a script of an app may send: every header of a request that means something here, except those
that browsers set themselves and the key of the control API, which no page may use."""

WRITTEN = (
    "Allow",
    "Content-Location",
    "Date",
    "ETag",
    "Last-Modified",
    "Location",
    "Retry-After",
    "Sandbox-Effects",
    "WWW-Authenticate",
    "X-Correlation-Id",
    "X-Progress",
    "X-Request-Id",
)
"""What a script of an app may read of an answer."""

CORRELATION = "X-Correlation-Id"
CORRELATION_LENGTH_MAX = 200
_UNSEEN = re.compile(r"[^!-~]")


def correlation(environ: Mapping[str, Any]) -> str:
    """The id that the client gave its request, or else the one it carries on: visible ASCII, cut."""
    client_id = environ.get("HTTP_X_REQUEST_ID") or environ.get("HTTP_X_CORRELATION_ID") or ""
    return _UNSEEN.sub("", client_id[:CORRELATION_LENGTH_MAX])
