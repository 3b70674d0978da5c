"""Refusals made without Flask: before a request could be read, or when everything else failed.

Their shape is that of the address (`web.api.Surface`), as in `handlers`.
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from sandbox.auth.errors import describable
from sandbox.core.errors import SandboxProblem
from sandbox.core.files import json_bytes
from sandbox.fhir import bundle
from sandbox.web.api import ErrorShape
from sandbox.web.http.headers import WRITTEN

Headers = list[tuple[str, str]]

PROBLEM = "sandbox.problem"
"""In the WSGI environ of a request that the server found faulty: (status, text). The app answers it, so
that the answer has the shape of its path and stands in the journal."""

FAILED = "The server failed. Its log has the details."
"""What an answer says of an error of ours."""

_CODES = {408: "timeout", 413: "too-long", 414: "too-long", 429: "throttled", 503: "transient"}
"""Issue types of http://hl7.org/fhir/issue-type that say more than `invalid` and `exception`."""
_PAGE = (
    '<!doctype html><html lang="en"><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>'
)


def issue_code(status: int) -> str:
    """The type of issue that an OperationOutcome of this status has."""
    return _CODES.get(status, "exception" if status >= 500 else "invalid")


def error_body(shape: ErrorShape, problem: SandboxProblem, request_id: str | None) -> tuple[str, bytes]:
    """Return Content-Type and body of a problem in a shape that is no page."""
    if shape is ErrorShape.OUTCOME:
        outcome = bundle.outcome(
            problem.code, problem.text, expression=problem.expression, diagnostics=request_id
        )
        return bundle.JSON, json_bytes(outcome)
    if shape is ErrorShape.JSON:
        return "application/json", json_bytes({"error": problem.code, "message": problem.text})
    error = "server_error" if problem.status >= 500 else "invalid_request"
    error = "temporarily_unavailable" if problem.status in (429, 503) else error
    return "application/json", json_bytes({"error": error, "error_description": describable(problem.text)})


def refusal(
    status: HTTPStatus | int, text: str, shape: ErrorShape, request_id: str = ""
) -> tuple[Headers, bytes]:
    """Headers and body of a refusal. `text` is ours: nothing of the request is repeated."""
    status = HTTPStatus(status)
    if shape is ErrorShape.PAGE:
        kind, body = "text/html; charset=utf-8", _PAGE.format(status.phrase, escape(text)).encode()
    else:
        problem = SandboxProblem(text, code=issue_code(status))
        problem.status = status
        kind, body = error_body(shape, problem, request_id or None)
    headers = [("Content-Type", kind), ("Cache-Control", "no-store"), ("Content-Length", str(len(body)))]
    if shape in (ErrorShape.OUTCOME, ErrorShape.OAUTH):  # its words are fixed: any origin may read them
        headers.append(("Access-Control-Allow-Origin", "*"))
        headers.append(("Access-Control-Expose-Headers", ", ".join(WRITTEN)))
    return headers + ([("X-Request-Id", request_id)] if request_id else []), body
