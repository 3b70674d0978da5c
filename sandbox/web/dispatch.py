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
from werkzeug.wsgi import ClosingIterator

from sandbox.core.clock import sleep, stopwatch
from sandbox.core.errors import BadRequest, NotFound, SandboxProblem
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.core.waits import (
    FETCHED,
    FIRST_RUN,
    HANDLED,
    LONGEST,
    WAIT,
    DelayedResponse,
    Fetch,
    Pause,
    Retry,
)
from sandbox.faults import one_shot
from sandbox.faults.catalog import Catalog
from sandbox.faults.selection import Selection
from sandbox.faults.verbs import VERBS
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web import budget, cors, quota
from sandbox.web.api import Apis, Surface
from sandbox.web.errors.handlers import UncaughtErrors, answer
from sandbox.web.errors.refusals import PROBLEM, issue_code
from sandbox.web.guard import require_audience, require_control
from sandbox.web.http import headers
from sandbox.web.http.compression import encode
from sandbox.web.http.origin import REFUSAL, OriginMiddleware
from sandbox.web.journal.entry import bearer, build_exchange_entry
from sandbox.web.journal.record import build_record, has_record
from sandbox.web.request import IncomingRequest, RequestContext, find_base, wiring
from sandbox.web.request import current as current_context
from sandbox.web.rest.readable import show_offered
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
            name, slash, below = path[3:].partition("/")
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/s/{name}"
            environ["PATH_INFO"] = slash + below
            environ["sandbox.scenario"] = name
        return self.app(environ, start_response)


def install(app: Flask) -> None:
    """Make every request of an app go this way."""
    app.before_request(_enter)
    app.before_request(require_audience)
    app.after_request(_leave)
    wiring = app.extensions["wiring"]
    app.extensions["stored_reads"] = stored_reads = StoredReads(app.wsgi_app, wiring)
    below = OriginMiddleware(ScenarioPath(stored_reads, wiring.apis), wiring.hosts)
    app.wsgi_app = BlockingWaits(UncaughtErrors(below, wiring))  # type: ignore[method-assign]


def _enter() -> Response | None:
    started = request.environ.get(FIRST_RUN) or stopwatch()
    if (refusal := request.environ.get(REFUSAL)) is not None:
        return answer(refusal)
    services = wiring()
    surface = services.apis.surface(request.path)
    path, header = request.environ.get("sandbox.scenario", ""), request.headers.get(HEADER)
    try:
        # Both are looked at before the body: a wrong name is the plainest mistake.
        named = services.catalog.parse(path) if path else Selection()
        selection = services.catalog.choose(path, header, services.default_scenario)
    except NotFound as problem:
        return cors.early_preflight(surface) or answer(problem)
    quota.take_session(named.key)
    ledger, chosen = services.ledger.tenant(named.key), bool(named.scenarios or header)
    state = ledger.tenant_state()
    switched = _still_known(services.catalog, state.switched) if state.switched else ""
    if switched:
        default = services.default_scenario
        selection = services.catalog.choose(path, header, default, switched=switched)
    incoming = IncomingRequest(
        services, selection, ledger, find_base(request), surface, started, chosen, state=state
    )
    if (faulty := request.environ.get(PROBLEM)) is not None:
        status, text = faulty
        g.unread = True
        _keep_context(incoming, Facts(request.method, request.path))
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
        _keep_context(incoming, Facts(request.method, request.path))
        if isinstance(problem, HTTPException):
            raise
        if isinstance(problem, SandboxProblem):
            return answer(problem)
        # The server beneath us raises its own errors for a body that breaks off or is malformed.
        return answer(BadRequest("The body of the request cannot be read.", cause="body-unreadable"))
    try:
        if not surface.is_control:
            _choose_selection(incoming, path, header, switched)
        if _arm(ledger):
            incoming.state = None  # which is read again
    except SandboxProblem as problem:
        _keep_context(incoming, _build_facts(surface))
        return answer(problem)
    context = _keep_context(incoming, _build_facts(surface))
    if surface.is_control:
        return None
    if (url := surface.lookups.keys_to_fetch(context)) is not None:
        request.environ[WAIT] = Fetch(url, services.remote.loopback)
        return Response(status=503)
    reply = context.gates.run(Stage.REQUEST, None, context.facts)
    return respond(reply) if reply is not None else cors.preflight(context)


def _still_known(catalog: Catalog, switched: str) -> str:
    """What the operator has switched on; nothing where a scenario of it is gone since a restart."""
    try:
        return catalog.parse(switched).written
    except NotFound:
        return ""


def _keep_context(incoming: IncomingRequest, facts: Facts) -> RequestContext:
    """Make the context of the request in hand."""
    context = incoming.build_context(facts)
    context.fetched = request.environ.get(FETCHED, {})
    context.allowance = request.environ.get(budget.ALLOWANCE)
    context.notes["correlation"] = headers.correlation(request.environ)
    g.context = context
    return context


def _choose_selection(incoming: IncomingRequest, path: str, header: str | None, switched: str) -> None:
    """Find under which scenarios the request is answered, and under which it was granted what it presents.

    Path prefix, then header, then the pin of the grant, then what the operator has switched on, then the
    server's default choose. A code, a token, a sign-in under way or a registration that was made under
    another selection keeps its terms: the header acts on it, but it loosens nothing
    (`core.payer.with_terms`, `faults.gates.LayeredGates`).

    Raises NotFound for a scenario that does not exist any more.
    """
    services, ledger, surface = incoming.wiring, incoming.ledger, incoming.surface
    catalog = services.catalog
    if path and catalog.parse(path).scenarios:
        return  # a tenant of its own: what is presented here was granted here
    origin = surface.lookups.origin(services, ledger, surface.path_below(request.path))
    if origin is None and header:  # nothing is presented: this begins under the header
        ledger.terms = incoming.selection.written
        return
    if origin is None:  # what its app has registered later is not looked at for what was granted before
        origin = Origin(surface.lookups.registered(services, ledger))
    ledger.pin, ledger.terms = origin
    pinned = origin.pin or origin.terms
    own = catalog.choose(path, None, services.default_scenario, pinned, switched=switched)
    if not header and not origin.terms:
        incoming.selection = own
    elif own.name != incoming.selection.name:
        incoming.granted = own


def _arm(ledger: TenantLedger) -> bool:
    """`X-Sandbox-Fail-Next`: arm what it names, once, however often it is sent. True where it is there."""
    text = request.headers.get(FAIL_NEXT)
    if text is None:
        return False
    require_control(FAIL_NEXT, cause="fail-next-key-missing")
    faults = one_shot.parse_header(text)
    caller = quota.client_address(), ledger.name
    ledger.quotas.require("fault", *caller)
    for number, fault in enumerate(faults):
        if ledger.arm(fault.to_json(), fault.times, f"header {number}: {text[:200]}"):
            ledger.quotas.take("fault", *caller)
    return True


def _build_facts(surface: Surface) -> Facts:
    caller = request.headers.get("Authorization", "") or quota.client_address()
    return Facts(
        method=request.method,
        path=request.path,
        params=request.args.to_dict(),
        caller=hashlib.sha256(caller.encode()).hexdigest()[:16],
        agent=request.headers.get("User-Agent", ""),
        preflight=cors.is_preflight(),
        **surface.lookups.facts(surface.path_below(request.path)),
    )


def _leave(response: Response) -> Response:
    if isinstance(request.environ.get(WAIT), Fetch | Retry):
        return response
    correlation = headers.correlation(request.environ)
    if correlation:
        response.headers[headers.CORRELATION] = correlation
    if "context" not in g:
        response.headers.extend(cors.early_headers(wiring().apis.surface(request.path)))
        _log(_describe(response, request.environ.get(FIRST_RUN) or stopwatch()))
        return response
    context = current_context()
    if context.delays:
        request.environ[WAIT] = DelayedResponse(min(sum(context.delays), LONGEST))
    because: tuple[str, ...] = ()
    if not context.surface.is_control:
        cors.mark(context, response)  # before the gate: who may read an answer is something to get wrong
        if context.gates.armed(Stage.RESPONSE):
            response.direct_passthrough = False  # files of pages are bytes like any other
            reply = Reply(response.status_code, tuple(response.headers.items()), response.get_data())
            changed = context.gates.run(Stage.RESPONSE, reply, context.facts)
            if changed is not reply:
                response = respond(changed)
        show_offered(response)
        is_fhir = context.surface.is_fhir
        record = (
            build_record(response, is_fhir=is_fhir) if has_record(context, response.status_code) else None
        )
        if is_fhir:
            encode(response)
        because = _find_earlier_effects(context, response)
        entry = build_exchange_entry(context, response, because)
        context.ledger.note(entry)
        _log(entry)
        if record is not None:
            context.ledger.exchanges.keep(context.request_id, record)
    elif request.method not in ("GET", "HEAD"):  # what asks is the console, mostly, and asks often
        _log(_describe(response, context.started))
    response.headers["X-Request-Id"] = context.request_id
    if correlation:  # even if a fault changed the response
        response.headers[headers.CORRELATION] = correlation
    if (effects := (*context.fired(), *because)) and not context.selection.stealth:
        response.headers["Sandbox-Effects"] = ", ".join(effects)
    return response


def _log(entry: Mapping[str, Any]) -> None:
    if (request_log := wiring().request_log) is not None:
        request_log(request.environ, entry)


def _describe(response: Response, started: float) -> dict[str, Any]:
    """Return the line's fields for a request that the journal does not keep."""
    ms = round((stopwatch() - started) * 1000, 1)
    return {"method": request.method, "path": request.path, "status": response.status_code, "ms": ms}


def _find_earlier_effects(context: RequestContext, response: Response) -> tuple[str, ...]:
    """What was done when the token was made is told again when it is refused."""
    lasting = [name for name in context.fired() if VERBS[name.partition(":")[2]].stage in _LASTING]
    if lasting:
        context.ledger.remember(",".join(lasting))
    secret = bearer()
    if response.status_code not in (401, 403) or not secret or not context.surface.is_fhir:
        return ()
    remembered = context.ledger.remembered(secret)
    return tuple(name for name in remembered.split(",") if name and name not in context.fired())


_LASTING = (Stage.AUTHORIZE, Stage.TOKEN)


def respond(reply: Reply) -> Response:
    """A Reply as Flask sends it. Where the body is an iterator its Content-Length is stated as it is."""
    is_finished = isinstance(reply.body, bytes)
    body = reply.body if is_finished else _flowing(reply.chunks(), request.environ)
    response = Response(body, status=reply.status)
    response.headers.clear()
    for name, value in reply.headers:
        if not is_finished or name.lower() != "content-length":
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


WsgiApp = Callable[..., Iterable[bytes]]


class BlockingWaits:
    """WSGI, around the whole app. It does nothing where the server waits itself."""

    def __init__(self, app: WsgiApp):
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if HANDLED in environ:
            return self._app(environ, start_response)
        environ[FIRST_RUN] = stopwatch()
        original = dict(environ)
        while True:
            heads: list[tuple[Any, ...]] = []
            chunks = self._app(environ, lambda *head, heads=heads: heads.append(head))
            wait = environ.pop(WAIT, None)
            if isinstance(wait, DelayedResponse | Retry):
                sleep(wait.seconds)
            if not isinstance(wait, Retry):
                start_response(*heads[-1])
                return ClosingIterator(_sleep_through(chunks), getattr(chunks, "close", None))
            environ.clear()
            environ.update(original)


def _sleep_through(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A body whose pauses are slept through."""
    for chunk in chunks:
        if isinstance(chunk, Pause):
            sleep(chunk.seconds)
        else:
            yield chunk
