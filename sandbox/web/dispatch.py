"""The way of every request: the scenario in its path, its context, the REQUEST gate; then a stored read or
Flask; then the RESPONSE gate and the journal."""

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

from sandbox.core.clock import stopwatch
from sandbox.core.errors import BadRequest, NotFound, SandboxProblem
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.core.waits import FETCHED, FIRST_RUN, LONGEST, WAIT, DelayedResponse, Fetch, Retry
from sandbox.faults import one_shot
from sandbox.faults.selection import Selection
from sandbox.faults.verbs import VERBS
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.secret import new_secret
from sandbox.web import budget, cors, quota
from sandbox.web import request as visit
from sandbox.web.api import Apis, Surface
from sandbox.web.errors.exceptions import UncaughtErrors
from sandbox.web.errors.handlers import answer
from sandbox.web.errors.refusals import PROBLEM, issue_code
from sandbox.web.guard import require_control
from sandbox.web.http import headers
from sandbox.web.http.compression import encode
from sandbox.web.http.origin import REFUSAL, OriginMiddleware
from sandbox.web.http.waits import BlockingWaits
from sandbox.web.journal import bearer, build_exchange_entry
from sandbox.web.scenario_choice import InForce, in_force
from sandbox.web.stored_reads import StoredReads

HEADER = "X-Sandbox-Scenario"
FAIL_NEXT = "X-Sandbox-Fail-Next"
_ASCII = bytes(range(128))


class ScenarioPath:
    """WSGI: moves `/s/<scenarios>[~<session>]` from PATH_INFO to SCRIPT_NAME.

    Metadata of an issuer with a path are also asked at the root, with that path behind the well-known
    name (RFC 8414 §3.1): such a path becomes the one below the issuer.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], apis: Apis):
        self.app = app
        self._issuers = re.compile(
            r"/\.well-known/(oauth-authorization-server|openid-configuration)((?:/s/[^/]+)?)"
            rf"({'|'.join(re.escape(api.prefix) for api in apis if api.is_issuer)})"
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Bytes that should have been percent-encoded: from here on they are.
        if not environ.get("QUERY_STRING", "").isascii():
            environ["QUERY_STRING"] = quote(environ["QUERY_STRING"].encode("latin-1"), safe=_ASCII)
        budget.inspect(environ)
        path = environ.get("PATH_INFO", "")
        if path.startswith("/.well-known/") and (match := self._issuers.fullmatch(path)):
            path = environ["PATH_INFO"] = f"{match[2]}{match[3]}/.well-known/{match[1]}"
        if path.startswith("/s/"):
            name, slash, rest = path[3:].partition("/")
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/s/{name}"
            environ["PATH_INFO"] = slash + rest
            environ["sandbox.scenario"] = name
        return self.app(environ, start_response)


def install(app: Flask) -> None:
    """Make every request of an app go this way."""
    app.before_request(_enter)
    app.after_request(_leave)
    rooms = app.extensions["rooms"]
    app.extensions["stored_reads"] = stored_reads = StoredReads(app.wsgi_app, rooms)
    below = OriginMiddleware(ScenarioPath(stored_reads, rooms.apis), rooms.hosts)
    app.wsgi_app = BlockingWaits(UncaughtErrors(below, rooms))  # type: ignore[method-assign]


def _enter() -> Response | None:
    started = request.environ.get(FIRST_RUN) or stopwatch()
    if (refusal := request.environ.get(REFUSAL)) is not None:
        return answer(refusal)
    wired = visit.rooms()
    surface = wired.apis.surface(request.path)
    path, header = request.environ.get("sandbox.scenario", ""), request.headers.get(HEADER)
    try:
        # Both are looked at before the body: a wrong name is the plainest mistake.
        here = wired.catalog.parse(path) if path else Selection()
        force = InForce(wired.catalog.choose(path, header, wired.default_scenario))
        chosen = bool(here.scenarios or header)
    except NotFound as problem:
        return cors.early_preflight(surface) or answer(problem)
    quota.take_session(here.key)
    ledger = wired.ledger.tenant(here.key)

    def arrive(facts: Facts) -> None:
        base, id = visit.base_of(request), new_secret(6)
        g.visit = visit.make(
            wired,
            force.selection,
            ledger,
            base,
            facts,
            id,
            started,
            surface=surface,
            chosen=chosen,
            granted=force.granted,
        )
        g.visit.fetched = request.environ.get(FETCHED, {})
        g.visit.allowance = request.environ.get(budget.ALLOWANCE)
        g.visit.notes["correlation"] = headers.correlation(request.environ)

    if (faulty := request.environ.get(PROBLEM)) is not None:
        status, text = faulty
        g.unread = True
        arrive(Facts(request.method, request.path))
        unread = SandboxProblem(text, code=issue_code(status))
        unread.status = int(status)
        return answer(unread)
    try:
        budget.admit(request, surface.body_bytes_max)
        # A control call is JSON, whatever curl calls it.
        if not surface.is_control:
            _ = request.form
    except Exception as problem:
        g.unread = True
        arrive(Facts(request.method, request.path))
        if isinstance(problem, HTTPException):
            raise
        if isinstance(problem, SandboxProblem):
            return answer(problem)
        # The server beneath us raises its own errors for a body that breaks off or is malformed.
        return answer(BadRequest("The body of the request cannot be read.", cause="body-unreadable"))
    try:
        if not surface.is_control:
            force = in_force(wired, ledger, path, header, surface)
        _arm(ledger)
    except SandboxProblem as problem:
        arrive(_facts(surface))
        return answer(problem)
    arrive(_facts(surface))
    if surface.is_control:
        return None
    arrived = visit.here()
    if surface.api is not None and (url := surface.api.lookups.keys_to_fetch(arrived)) is not None:
        request.environ[WAIT] = Fetch(url, visit.rooms().remote.loopback)
        return Response(status=503)
    reply = arrived.gates.run(Stage.REQUEST, None, arrived.facts)
    return respond(reply) if reply is not None else cors.preflight(arrived)


def _arm(ledger: TenantLedger) -> None:
    """`X-Sandbox-Fail-Next`: arm what it names, once, however often it is sent."""
    text = request.headers.get(FAIL_NEXT)
    if text is None:
        return
    require_control(FAIL_NEXT, cause="fail-next-key-missing")
    accidents = one_shot.header(text)
    caller = quota.client_address(), ledger.name
    ledger.quotas.require("accident", *caller)
    for number, one in enumerate(accidents):
        if ledger.arm(one.to_json(), one.times, f"header {number}: {text[:200]}"):
            ledger.quotas.take("accident", *caller)


def _facts(surface: Surface) -> Facts:
    caller = request.headers.get("Authorization", "") or quota.client_address()
    more = surface.api.lookups.facts() if surface.api is not None else {}
    return Facts(
        method=request.method,
        path=request.path,
        params=request.args.to_dict(),
        caller=hashlib.sha256(caller.encode()).hexdigest()[:16],
        preflight=cors.is_preflight(),
        **more,
    )


def _leave(response: Response) -> Response:
    if isinstance(request.environ.get(WAIT), Fetch | Retry):
        return response
    correlation = headers.correlation(request.environ)
    if correlation:
        response.headers[headers.CORRELATION] = correlation
    if "visit" not in g:
        response.headers.extend(cors.early_headers(visit.rooms().apis.surface(request.path)))
        return response
    here = visit.here()
    if here.delays:
        request.environ[WAIT] = DelayedResponse(min(sum(here.delays), LONGEST))
    because: tuple[str, ...] = ()
    if not here.surface.is_control:
        cors.mark(here, response)  # before the gate: who may read an answer is something to get wrong
        if here.gates.armed(Stage.RESPONSE):
            response.direct_passthrough = False  # files of pages are bytes like any other
            reply = Reply(response.status_code, tuple(response.headers.items()), response.get_data())
            changed = here.gates.run(Stage.RESPONSE, reply, here.facts)
            if changed is not reply:
                response = respond(changed)
        if here.surface.is_fhir:
            encode(response)
        because = _because(here, response)
        here.ledger.note(build_exchange_entry(here, response, because))
    response.headers["X-Request-Id"] = here.request_id
    if correlation:  # whatever an accident has made of the answer
        response.headers[headers.CORRELATION] = correlation
    if (effects := (*here.fired(), *because)) and not here.selection.stealth:
        response.headers["Sandbox-Effects"] = ", ".join(effects)
    return response


def _because(here: visit.RequestContext, response: Response) -> tuple[str, ...]:
    """What was done when the token was made is told again when it is refused."""
    lasting = [name for name in here.fired() if VERBS[name.partition(":")[2]].stage in _LASTING]
    if lasting:
        here.ledger.remember(",".join(lasting))
    secret = bearer()
    if response.status_code not in (401, 403) or not secret or not here.surface.is_fhir:
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
