"""One error shape per surface: OperationOutcome under /fhir, RFC 6749 JSON for the OAuth endpoints,
JSON for the control API, a page everywhere else. Handlers raise; this file answers."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.auth.authentication import speakable
from sandbox.core.errors import Gone, NotAllowed, NotFound, Problem
from sandbox.core.files import json_bytes
from sandbox.fhir import wire
from sandbox.web import pending
from sandbox.web.pages import page

log = logging.getLogger(__name__)

_OAUTH = (
    "/auth/token",
    "/auth/revoke",
    "/auth/introspect",
    "/auth/register",
    "/auth/par",
    "/auth/jwks",
    "/auth/.well-known/",
)


def install(app: Flask) -> None:
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def answer(problem: Problem) -> Response:
    """The problem in the shape of the surface it happened on."""
    path = request.path
    if path == "/fhir" or path.startswith("/fhir/"):
        body = wire.outcome(
            problem.code, problem.text, expression=problem.expression, diagnostics=_request_id()
        )
        response = Response(json_bytes(body), status=problem.status, content_type=wire.JSON)
    elif path.startswith(_OAUTH):
        error = "invalid_request" if problem.status < 500 else "server_error"
        body = {"error": error, "error_description": speakable(problem.text)}
        response = Response(json_bytes(body), status=problem.status, content_type="application/json")
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
    elif path.startswith("/_sandbox"):
        body = {"error": problem.code, "message": problem.text}
        response = Response(json_bytes(body), status=problem.status, content_type="application/json")
    else:
        title = _TITLES.get(problem.status, "Sorry")
        onward = pending.onward() if problem.status < 500 else None
        from_app = path.startswith("/auth/") and onward is None
        response = page(
            "problem.html", problem.status, title=title, text=problem.text, onward=onward, from_app=from_app
        )
    response.headers.extend(problem.headers)
    return response


_TITLES = {
    400: "This request cannot be answered",
    403: "Not allowed",
    404: "Not found",
    500: "Something broke",
}


def _request_id() -> str | None:
    return g.visit.request_id if "visit" in g else None


def _http(error: HTTPException) -> Response:
    """What Flask itself refuses: unknown paths, wrong methods, bodies it cannot read."""
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    if status == 404:
        return answer(NotFound("There is nothing at this address", code="not-supported"))
    if status == 405:
        allow = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return answer(NotAllowed("This method is not possible here", headers={"Allow": allow}))
    if status == 410:
        return answer(Gone("This is gone"))
    problem = Problem(error.name, code="invalid" if status < 500 else "exception")
    problem.status = status
    return answer(problem)


def _bug(error: Exception) -> Response:
    """A bug of ours: logged with its request id, answered without detail."""
    log.exception("request %s failed", _request_id(), exc_info=error)
    return answer(Problem("The server failed; its log names the cause"))
