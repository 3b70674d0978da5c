"""Errors are answered in the shape of the API that they happen in, and their cause goes to the journal.

An OperationOutcome under /fhir, RFC 6749 JSON at the OAuth endpoints, JSON for the control API, a page
elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.auth.authlib_adapter import NO_STORE
from sandbox.core.errors import NotAllowed, NotFound, SandboxProblem, TooLarge
from sandbox.faults.selection import Selection
from sandbox.store.secret import new_secret
from sandbox.web.api import NO_LOOKUPS, ErrorShape
from sandbox.web.errors.refusals import FAILED, error_body, refusal
from sandbox.web.pages import page
from sandbox.web.request import Wiring, wiring

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    app.register_error_handler(SandboxProblem, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def answer(problem: SandboxProblem) -> Response:
    """Return a problem in the shape of the API that it happened in."""
    if "context" in g:
        g.context.notes["cause"] = problem.cause
    shape = wiring().apis.surface_behind(request.path).errors
    if shape is ErrorShape.PAGE:
        title = _TITLES.get(problem.status, "Sorry")
        lookups = g.context.surface.lookups if "context" in g else NO_LOOKUPS
        next_step = lookups.next_step(problem.status)
        response = page("problem.html", problem.status, title=title, text=problem.text, next_step=next_step)
    else:
        kind, body = error_body(shape, problem, _request_id())
        headers = NO_STORE if shape is ErrorShape.OAUTH else ()
        response = Response(body, problem.status, headers, content_type=kind)
    response.headers.extend(problem.headers)
    return response


_TITLES = {
    400: "This request cannot be answered",
    403: "Not allowed",
    429: "Too many requests",
    503: "Not available right now",
    404: "Not found",
    421: "This is another host",
    500: "Something broke",
}


def _request_id() -> str | None:
    return g.context.request_id if "context" in g else None


def _http(error: HTTPException) -> Response:
    """Answer what Flask itself refuses: unknown paths, wrong methods, bodies it cannot read."""
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    if status == 404:
        text = "There is nothing at this address."
        return answer(NotFound(text, cause="address-unknown", code="not-supported"))
    if status == 405:
        allow = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        text = "This method is not supported here. The Allow header lists the methods."
        return answer(NotAllowed(text, cause="method-not-allowed", headers={"Allow": allow}))
    if status == 413:
        return answer(TooLarge("The body of the request is too large.", cause="body-too-large"))
    problem = SandboxProblem(error.name, code="invalid" if status < 500 else "exception")
    problem.status = status
    return answer(problem)


def _bug(error: Exception) -> Response:
    """Answer a failure of the server without details; the log has them, with the id of the request."""
    log.exception("request %s failed", _request_id(), exc_info=error)
    return answer(SandboxProblem(FAILED, cause="server-failed"))


class UncaughtErrors:
    """WSGI around the whole app: what Flask does not catch is answered, logged and journaled."""

    def __init__(self, app: Callable[..., Iterable[bytes]], wiring: Wiring):
        self._app, self._wiring = app, wiring

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        try:
            return self._app(environ, start_response)
        except Exception as error:
            request_id = new_secret(6)
            log.exception("request %s failed", request_id, exc_info=error)
            with suppress(Exception):
                self._note(environ, request_id)
            shape = self._wiring.apis.surface_behind(path).errors
            headers, body = refusal(500, FAILED, shape, request_id)
            start_response("500 Internal Server Error", headers)
            return [body]

    def _note(self, environ: dict[str, Any], request_id: str) -> None:
        name, catalog = environ.get("sandbox.scenario", ""), self._wiring.catalog
        try:
            selection = catalog.parse(name) if name else Selection()
        except NotFound:
            selection = Selection()
        entry = {
            "at": self._wiring.clock.now().isoformat(timespec="milliseconds"),
            "request": request_id,
            "method": str(environ.get("REQUEST_METHOD", ""))[:16],
            "path": str(environ.get("PATH_INFO", ""))[:300],
            "status": 500,
            "ms": 0,
            "effects": [],
            "error": "exception",
            "said": FAILED,
        }
        if self._wiring.request_log is not None:
            self._wiring.request_log(environ, entry)
        self._wiring.ledger.tenant(selection.key).note(entry)
