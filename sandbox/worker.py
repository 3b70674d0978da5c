"""gunicorn's worker with threads; what it refuses before there is a request is an OperationOutcome too.

A request line that is too long, a header that is none: nothing of ours has run, and no path is known for
certain. Programs call far more than people, so they get the shape of the FHIR API.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from sandbox.core.files import json_bytes
from sandbox.fhir import wire
from sandbox.store.secret import new_secret

_REFUSED: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long: POST to _search"),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large"),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED, "This Expect cannot be met"),
    (errors.ParseException, HTTPStatus.BAD_REQUEST, "This is not a request that HTTP knows"),
)
"""What the parser raises → status and words; the first that fits. What was sent is not repeated."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """The worker that `serve` runs."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be read; everything else is the parent's affair."""
        for kind, status, text in _REFUSED:
            if isinstance(exc, kind) and not isinstance(exc, errors.ConfigurationProblem):
                try:
                    client.sendall(refusal(status, text))
                except OSError:
                    self.log.debug("nobody is left to hear of a bad request")
                return
        super().handle_error(req, client, addr, exc)


def refusal(status: HTTPStatus, text: str) -> bytes:
    """The whole answer as bytes; its request id is in the log of nobody but the caller."""
    request_id = new_secret(6)
    body = json_bytes(wire.outcome("invalid", text, diagnostics=request_id))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: {wire.JSON}\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
