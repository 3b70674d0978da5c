"""Refusals made without Flask: before a request could be read, or when everything else failed.

Their shape goes by the path alone, as `web.errors` has it: an OperationOutcome under /fhir (and where no
path is known: programs call far more than people), RFC 6749 JSON at the endpoints that apps call, JSON
for the control API, a page elsewhere.
"""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus

from sandbox.core.files import json_bytes
from sandbox.fhir import wire
from sandbox.web.headers import WRITTEN

Headers = list[tuple[str, str]]

PROBLEM = "sandbox.problem"
"""In the WSGI environ of a request that the server found faulty: (status, text). The app answers it, so
that the answer has the shape of its path and stands in the journal."""

APP_ENDPOINTS = (
    "/auth/token",
    "/auth/revoke",
    "/auth/introspect",
    "/auth/register",
    "/auth/par",
    "/auth/jwks",
    "/auth/.well-known/",
)
"""Paths below a payer's prefix that programs call: they answer JSON, errors included."""

_CODES = {408: "timeout", 413: "too-long", 414: "too-long", 429: "throttled", 503: "transient"}
"""Issue types of http://hl7.org/fhir/issue-type that say more than `invalid` and `exception`."""
_PREFIX = re.compile(r"/s/[^/]*")
_PAGE = (
    '<!doctype html><html lang="en"><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>'
)


def below_prefix(path: str) -> str:
    """A path below the payer's own prefix: without `/s/<scenarios>`."""
    return _PREFIX.sub("", path, count=1) if path.startswith("/s/") else path


def issue_code(status: int) -> str:
    """The type of issue that an OperationOutcome of this status has."""
    return _CODES.get(status, "exception" if status >= 500 else "invalid")


def refusal(
    status: HTTPStatus | int, text: str, path: str = "/fhir", request_id: str = ""
) -> tuple[Headers, bytes]:
    """Headers and body of a refusal. `text` is ours: nothing of the request is repeated."""
    status, path = HTTPStatus(status), below_prefix(path)
    no_store = [("Cache-Control", "no-store")]
    if path == "/fhir" or path.startswith("/fhir/"):
        outcome = wire.outcome(issue_code(status), text, diagnostics=request_id or None)
        kind, body = wire.JSON, json_bytes(outcome)
    elif path.startswith(APP_ENDPOINTS):
        error = "server_error" if status >= 500 else "invalid_request"
        error = "temporarily_unavailable" if status in (429, 503) else error
        kind, body = "application/json", json_bytes({"error": error, "error_description": text})
    elif path.startswith("/_sandbox"):
        kind, body = "application/json", json_bytes({"error": status.phrase, "message": text})
    else:
        kind, body = "text/html; charset=utf-8", _PAGE.format(status.phrase, escape(text)).encode()
    headers = [("Content-Type", kind), *no_store, ("Content-Length", str(len(body)))]
    if "json" in kind and not path.startswith("/_sandbox"):  # its words are fixed: any origin may read them
        headers.append(("Access-Control-Allow-Origin", "*"))
        headers.append(("Access-Control-Expose-Headers", ", ".join(WRITTEN)))
    return headers + ([("X-Request-Id", request_id)] if request_id else []), body
