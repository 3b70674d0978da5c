"""Every exchange: arrival (prefix, scenario, REQUEST gate) and departure (RESPONSE gate, journal)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.core.clock import stopwatch
from sandbox.core.errors import BadRequest, NotFound
from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.fhir import wire
from sandbox.store.ledger import new_secret
from sandbox.web import cors, visit
from sandbox.web.encoding import encode
from sandbox.web.errors import answer

HEADER = "X-Sandbox-Scenario"
_CONTROL = "/_sandbox/"
_ASCII = bytes(range(128))
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::\d{{1,5}})?")


_METADATA = re.compile(r"/\.well-known/(oauth-authorization-server|openid-configuration)((?:/s/[^/]+)?)/auth")


class ScenarioPath:
    """WSGI: moves `/s/<scenarios>[~<session>]` from PATH_INFO to SCRIPT_NAME.

    Metadata of an issuer with a path are also asked at the root, with that path behind the well-known
    name (RFC 8414 §3.1): such a path becomes the one below the issuer.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]):
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "localhost")):
            # Every URL we build begins with the Host: with a broken one there is nothing to answer.
            text = "The Host header is not a host name"
            media, body = "text/plain; charset=utf-8", f"{text}\n".encode()
            if "/fhir" in environ.get("PATH_INFO", ""):
                media, body = wire.JSON, json_bytes(wire.outcome("invalid", text, expression="http.host"))
            start_response("400 Bad Request", [("Content-Type", media), ("Content-Length", str(len(body)))])
            return [body]
        # Bytes that should have been percent-encoded: from here on they are.
        environ["QUERY_STRING"] = quote(environ.get("QUERY_STRING", "").encode("latin-1"), safe=_ASCII)
        path = environ.get("PATH_INFO", "")
        if path.startswith("/.well-known/") and (found := _METADATA.fullmatch(path)):
            path = environ["PATH_INFO"] = f"{found[2]}/auth/.well-known/{found[1]}"
        if path.startswith("/s/"):
            name, slash, rest = path[3:].partition("/")
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/s/{name}"
            environ["PATH_INFO"] = slash + rest
            environ["sandbox.scenario"] = name
        return self.app(environ, start_response)


def install(app: Flask) -> None:
    """Hang arrival and departure on an app."""
    app.before_request(_enter)
    app.after_request(_leave)
    app.wsgi_app = ScenarioPath(app.wsgi_app)  # type: ignore[method-assign]


def _enter() -> Response | None:
    started = stopwatch()
    wired = visit.rooms()
    tenant = request.environ.get("sandbox.scenario", "")
    try:
        selection = wired.catalog.choose(tenant or None, request.headers.get(HEADER), wired.default_scenario)
    except NotFound as problem:
        return answer(problem)
    try:
        request.get_data(cache=True)  # kept: `state` goes back byte for byte
        _ = request.form
    except HTTPException:
        raise
    except Exception:
        # The server beneath us raises its own errors for a body that breaks off or is malformed.
        return answer(BadRequest("The body of the request cannot be read"))
    base = request.host_url.rstrip("/") + request.script_root
    g.visit = visit.make(wired, selection, tenant, base, _facts(), new_secret(6), started)
    if request.path.startswith(_CONTROL):
        return None
    here = visit.here()
    if (answered := cors.preflight(here)) is not None:
        return answered
    reply = here.gates.run(Stage.REQUEST, None, here.facts)
    return respond(reply) if reply is not None else None


def _facts() -> Facts:
    first = request.path.removeprefix("/fhir/").partition("/")[0]
    authorization = request.headers.get("Authorization", "")
    caller = authorization or request.remote_addr or ""
    return Facts(
        method=request.method,
        path=request.path,
        resource=first if request.path.startswith("/fhir/") and first[:1].isupper() else None,
        params=request.args.to_dict(),
        client=request.values.get("client_id") if request.path.startswith("/auth/") else None,
        grant_type=request.form.get("grant_type") if request.path == "/auth/token" else None,
        caller=hashlib.sha256(caller.encode()).hexdigest()[:16],
    )


def _leave(response: Response) -> Response:
    if "visit" not in g:
        return response
    here = visit.here()
    if not request.path.startswith(_CONTROL):
        if here.gates.armed(Stage.RESPONSE):
            reply = Reply(response.status_code, tuple(response.headers.items()), response.get_data())
            changed = here.gates.run(Stage.RESPONSE, reply, here.facts)
            if changed is not reply:
                response = respond(changed)
        encode(response)
        cors.mark(here, response)
        _note(here, response)
    response.headers["X-Request-Id"] = here.request_id
    if fired := here.gates.fired():
        response.headers["Sandbox-Effects"] = ", ".join(fired)
    return response


def _note(here: visit.Visit, response: Response) -> None:
    """The journal never holds a token, a code or a password: paths without their query."""
    here.ledger.note(
        {
            "at": here.clock.now().isoformat(timespec="milliseconds"),
            "request": here.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((stopwatch() - here.started) * 1000, 1),
            "scenario": here.selection.name,
            "effects": list(here.gates.fired()),
            **{name: value for name, value in here.notes.items() if value},
        }
    )


def respond(reply: Reply) -> Response:
    """A Reply as Flask sends it."""
    response = Response(
        reply.chunks() if not isinstance(reply.body, bytes) else reply.body, status=reply.status
    )
    response.headers.clear()
    for name, value in reply.headers:
        if name.lower() != "content-length":
            response.headers.add(name, value)
    if isinstance(reply.body, bytes):
        response.headers["Content-Length"] = str(len(reply.body))
    return response
