"""Plain reads of stored bytes are answered before Flask: its dispatch is half of what they cost.

An answer here is a 200. Whatever is unusual (another method or header, a scenario with rules, an armed fault,
a pin, a token that runs out) and whatever is refused goes on to Flask, so that errors and gates have one
place. The context and the handlers are the same; a test compares answers and journal of both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Request

from sandbox.auth.tokens.access_token import Access, alive, reach
from sandbox.core.cache import bounded
from sandbox.core.clock import stopwatch
from sandbox.core.errors import SandboxProblem
from sandbox.core.gates import Facts
from sandbox.faults.selection import Selection
from sandbox.store.ledger.repositories.request_state import TenantState
from sandbox.web import budget
from sandbox.web.api import Arguments, StoredRead, Surface
from sandbox.web.errors.refusals import PROBLEM
from sandbox.web.http import compression
from sandbox.web.http.headers import CORRELATION, correlation
from sandbox.web.http.origin import REFUSAL
from sandbox.web.journal.entry import JournalRequest, build_entry
from sandbox.web.journal.record import describe_request, encode_record, has_record, mask_body
from sandbox.web.negotiation import takes_json
from sandbox.web.request import IncomingRequest, RequestContext, Wiring, find_base
from sandbox.web.rest.access import note_client

Headers = list[tuple[str, str]]

_UNUSUAL = frozenset((
    "HTTP_X_SANDBOX_SCENARIO", "HTTP_X_SANDBOX_FAIL_NEXT", "HTTP_ORIGIN", "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE", "HTTP_PREFER", "HTTP_TRANSFER_ENCODING", PROBLEM, REFUSAL,
))  # fmt: skip
"""What in an environ changes more than how the answer is packed."""
_UNUSUAL_PARAMETERS = frozenset({"_format", "_pretty", "access_token"})


@dataclass(frozen=True)
class PlainRequest:
    """A request that an API may answer from stored bytes; `parsed` is what its `StoredRead` made of it."""

    surface: Surface
    reader: StoredRead
    parsed: Any
    arguments: Arguments
    journal: JournalRequest


class StoredReads:
    """WSGI, before an app with this wiring."""

    def __init__(self, app: Callable[..., Iterable[bytes]], wiring: Wiring):
        self.app, self._wiring = app, wiring
        self._readers = [
            (f"{api.prefix}/", api.stored_read, wiring.apis.surface(api.prefix + "/Type"))
            for api in wiring.apis
            if api.stored_read is not None
        ]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self._answer(environ)
        if answer is None:
            return self.app(environ, start_response)
        headers, body = answer
        start_response("200 OK", headers)
        return [body]

    def _answer(self, environ: Mapping[str, Any]) -> tuple[Headers, bytes] | None:
        started = stopwatch()
        try:
            plain = self._parse(environ)
            if plain is None:
                return None
            incoming = self._arrive(environ, plain, started)
            if incoming is None:
                return None
            context, access = incoming
            context.notes["correlation"] = correlation(environ)
            note_client(context, access)
            headers, body = plain.reader.serve(context, access, plain.parsed, plain.arguments)
        except SandboxProblem:
            return None
        plain_body = body
        headers.append(("Vary", "Origin, Accept-Encoding" if context.payer.cors else "Accept-Encoding"))
        if len(body) >= compression.LEAST and compression.wanted(environ.get("HTTP_ACCEPT_ENCODING", "")):
            headers.append(("Content-Encoding", "gzip"))
            body = compression.zipped(body)
        headers.append(("Content-Length", str(len(body))))
        headers.append(("X-Request-Id", context.request_id))
        if client_id := context.notes["correlation"]:
            headers.append((CORRELATION, client_id))
        entry = build_entry(context, plain.journal, 200)
        context.ledger.note(entry)
        if self._wiring.request_log is not None:
            self._wiring.request_log(environ, entry)
        if has_record(context, 200):
            context.ledger.exchanges.keep(context.request_id, _build_record(environ, headers, plain_body))
        return headers, body

    def _arrive(
        self, environ: Mapping[str, Any], plain: PlainRequest, started: float
    ) -> tuple[RequestContext, Access] | None:
        """The context and what its token allows, if no fault can happen in it. Raises NotFound for a
        scenario that does not exist, Forbidden as `reach` does."""
        wiring, secret = self._wiring, plain.journal.secret
        path = environ.get("sandbox.scenario", "")
        named = wiring.catalog.parse(path) if path else Selection()
        selection = wiring.catalog.choose(path, None, wiring.default_scenario)
        if selection.has_rules:
            return None
        ledger, chosen = wiring.ledger.tenant(named.key), bool(named.scenarios)
        if not chosen and any(wiring.ledger.origin_of(ledger.name, secret) or ()):
            return None
        state = ledger.arrival(secret)
        if state is None or state.armed or state.locks or state.switched:
            return None
        if state.token.kind != "access" or state.token.uses is not None:
            return None
        base = _base(*(environ.get(name, "") for name in _ADDRESS))
        incoming = IncomingRequest(
            wiring, selection, ledger, base, plain.surface, started, chosen, state=TenantState(*state[:4])
        )
        context = incoming.build_context(Facts("GET", plain.journal.path))
        living = alive(context, state.token, state.grant)
        return (context, reach(state.token, state.grant)) if living else None

    def _parse(self, environ: Mapping[str, Any]) -> PlainRequest | None:
        """The request, if it is a plain one. Raises BadRequest for an Accept that is too long."""
        if environ["REQUEST_METHOD"] != "GET" or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            return None
        if budget.is_over(environ) or not _UNUSUAL.isdisjoint(environ):
            return None
        scheme, _, secret = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        path = environ["PATH_INFO"]
        for row in self._readers:
            if path.startswith(row[0]):
                break
        else:
            return None
        prefix, reader, surface = row
        query = environ.get("QUERY_STRING", "")
        arguments, sent = _arguments(query)
        if not _UNUSUAL_PARAMETERS.isdisjoint(sent):
            return None
        parsed = reader.parse(path[len(prefix) - 1 :], arguments)
        if parsed is None or ("HTTP_ACCEPT" in environ and not takes_json(environ["HTTP_ACCEPT"])):
            return None
        accept, agent = environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_USER_AGENT", "")
        journal = JournalRequest("GET", path, query, sent, secret.strip(), accept, agent)
        return PlainRequest(surface, reader, parsed, arguments, journal)


def _build_record(environ: Mapping[str, Any], headers: Headers, body: bytes) -> bytes:
    sent = Request(dict(environ))
    text = mask_body(body, dict(headers)["Content-Type"], is_fhir=True)
    return encode_record(describe_request(sent, "", is_fhir=True), 200, headers, text)


@bounded(4 << 20, 60)
def _arguments(query: str) -> tuple[Arguments, ImmutableMultiDict[str, str]]:
    sent = Request({"REQUEST_METHOD": "GET", "QUERY_STRING": query}).args
    return tuple(sent.items(multi=True)), ImmutableMultiDict(sent)


_ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")


@bounded(256 << 10)
def _base(*address: str) -> str:
    """The payer's own prefix, as Flask would build it."""
    request = Request({"REQUEST_METHOD": "GET", **dict(zip(_ADDRESS, address, strict=True))})
    return find_base(request)
