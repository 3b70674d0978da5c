"""Every exchange: arrival (prefix, scenario, REQUEST gate) and departure (RESPONSE gate, journal)."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.auth.registry import Registry
from sandbox.core.clock import stopwatch
from sandbox.core.errors import BadRequest, Forbidden, NotFound, Problem
from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults import oneshot
from sandbox.faults.selection import Selection
from sandbox.faults.verbs import VERBS
from sandbox.fhir import wire
from sandbox.store.ledger import TenantLedger
from sandbox.store.secret import new_secret
from sandbox.web import cors, visit
from sandbox.web.control import may_control
from sandbox.web.encoding import encode
from sandbox.web.errors import answer
from sandbox.web.journal import bearer, entry
from sandbox.web.lane import Lane

HEADER = "X-Sandbox-Scenario"
FAIL_NEXT = "X-Sandbox-Fail-Next"
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
        if not environ.get("QUERY_STRING", "").isascii():
            environ["QUERY_STRING"] = quote(environ["QUERY_STRING"].encode("latin-1"), safe=_ASCII)
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
    lane = Lane(app.wsgi_app, app.extensions["rooms"])
    app.wsgi_app = ScenarioPath(lane)  # type: ignore[method-assign]


def _enter() -> Response | None:
    started = stopwatch()
    wired = visit.rooms()
    path, header = request.environ.get("sandbox.scenario", ""), request.headers.get(HEADER)
    try:
        # Both are looked at before the body: a wrong name is the plainest mistake.
        here = wired.catalog.parse(path) if path else Selection()
        selection = wired.catalog.choose(path, header, wired.default_scenario)
        chosen = bool(here.scenarios or header)
    except NotFound as problem:
        return answer(problem)
    ledger = wired.ledger.tenant(here.key)

    def arrive(facts: Facts) -> None:
        base, id = visit.base_of(request), new_secret(6)
        g.visit = visit.make(wired, selection, ledger, base, facts, id, started, chosen=chosen)

    try:
        # Kept, since `state` goes back byte for byte. A control call is JSON, whatever curl calls it.
        request.get_data(cache=True)
        if not request.path.startswith(_CONTROL):
            _ = request.form
    except Exception as problem:
        g.unread = True
        arrive(Facts(request.method, request.path))
        if isinstance(problem, HTTPException):
            raise
        # The server beneath us raises its own errors for a body that breaks off or is malformed.
        return answer(BadRequest("The body of the request cannot be read"))
    try:
        if not chosen and (pin := _pin(wired, ledger)):
            selection = wired.catalog.choose(path, header, wired.default_scenario, pin)
            ledger.pin = pin
        _arm(ledger)
    except Problem as problem:
        arrive(_facts())
        return answer(problem)
    arrive(_facts())
    if request.path.startswith(_CONTROL):
        return None
    arrived = visit.here()
    reply = arrived.gates.run(Stage.REQUEST, None, arrived.facts)
    return respond(reply) if reply is not None else cors.preflight(arrived)


def _pin(wired: visit.Rooms, ledger: TenantLedger) -> str:
    """The selection that this request is pinned to: by the member who signed in, or by the client's
    registration. Every later request carries something that was granted: it is looked up here, once."""
    if request.path.startswith("/fhir/"):
        secret = bearer()
        return wired.ledger.pin_of(ledger.name, secret) if secret else ""
    if not request.path.startswith("/auth/"):
        return ""
    form = request.values
    pin = ""
    if form.get("request"):
        pin = ledger.pinned_by(pending=form["request"])
    elif form.get("code"):
        pin = ledger.pinned_by(code=form["code"])
    elif secret := form.get("refresh_token") or form.get("token") or bearer():
        pin = wired.ledger.pin_of(ledger.name, secret)
    basic = request.authorization.username if request.authorization else None
    if pin:
        return pin
    client = Registry(wired.clients, ledger).get(form.get("client_id") or basic or "")
    return (client.scenario if client else None) or ""


def _arm(ledger: TenantLedger) -> None:
    """`X-Sandbox-Fail-Next`: arm what it names, once, however often it is sent."""
    text = request.headers.get(FAIL_NEXT)
    if text is None:
        return
    if not may_control():
        raise Forbidden(f"{FAIL_NEXT} needs the control key off loopback (header X-Sandbox-Key)")
    for number, one in enumerate(oneshot.header(text)):
        ledger.arm(one.to_json(), one.times, f"header {number}: {text[:200]}")


def _facts() -> Facts:
    first = request.path.removeprefix("/fhir/").partition("/")[0]
    authorization = request.headers.get("Authorization", "")
    caller = authorization or request.remote_addr or ""
    basic = request.authorization.username if request.authorization else None
    return Facts(
        method=request.method,
        path=request.path,
        resource=first if request.path.startswith("/fhir/") and first[:1].isupper() else None,
        params=request.args.to_dict(),
        client=request.values.get("client_id") or basic if request.path.startswith("/auth/") else None,
        grant_type=request.form.get("grant_type") if request.path == "/auth/token" else None,
        caller=hashlib.sha256(caller.encode()).hexdigest()[:16],
        preflight=cors.is_preflight(),
    )


def _leave(response: Response) -> Response:
    if "visit" not in g:
        return response
    here = visit.here()
    because: tuple[str, ...] = ()
    if not request.path.startswith(_CONTROL):
        cors.mark(here, response)  # before the gate: who may read an answer is something to get wrong
        if here.gates.armed(Stage.RESPONSE):
            response.direct_passthrough = False  # files of pages are bytes like any other
            reply = Reply(response.status_code, tuple(response.headers.items()), response.get_data())
            changed = here.gates.run(Stage.RESPONSE, reply, here.facts)
            if changed is not reply:
                response = respond(changed)
        encode(response)
        because = _because(here, response)
        here.ledger.note(entry(here, response, because))
    response.headers["X-Request-Id"] = here.request_id
    if (told := (*here.fired(), *because)) and not here.selection.stealth:
        response.headers["Sandbox-Effects"] = ", ".join(told)
    return response


def _because(here: visit.Visit, response: Response) -> tuple[str, ...]:
    """What was done when the token was made is told again when it is refused."""
    lasting = [name for name in here.fired() if VERBS[name.partition(":")[2]].stage in _LASTING]
    if lasting:
        here.ledger.remember(",".join(lasting))
    secret = bearer()
    if response.status_code not in (401, 403) or not secret or not request.path.startswith("/fhir/"):
        return ()
    remembered = here.ledger.remembered(secret)
    return tuple(name for name in remembered.split(",") if name and name not in here.fired())


_LASTING = (Stage.AUTHORIZE, Stage.TOKEN)


def respond(reply: Reply) -> Response:
    """A Reply as Flask sends it. Where the body is an iterator its Content-Length is stated as it is."""
    whole = isinstance(reply.body, bytes)
    body = reply.body if whole else _flowing(reply.chunks(), request.environ)
    response = Response(body, status=reply.status)
    response.headers.clear()
    for name, value in reply.headers:
        if not whole or name.lower() != "content-length":
            response.headers.add(name, value)
    if isinstance(reply.body, bytes):
        response.headers["Content-Length"] = str(len(reply.body))
    return response


def _flowing(chunks: Iterable[bytes], environ: Mapping[str, Any]) -> Iterator[bytes]:
    """A body as it comes. Where it breaks on purpose the connection goes with it: not every server
    closes one of its own accord."""
    try:
        yield from chunks
    except ConnectionResetError:
        connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        raise
