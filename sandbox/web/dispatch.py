"""The fast lane: plain reads, searches and `$everything` of a payer without accidents, beneath Flask.

It answers 200 or not at all. Whatever is unusual (another method or header, a scenario with rules, an
armed accident, a pin, a token that runs out) and whatever is refused goes to Flask, which begins anew;
so there is one place for errors and one for gates. The handlers are the same ones, and a test holds the
answers and the journal of both ways side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Request

from sandbox.apis.patient_access import operations, reads, searches
from sandbox.apis.patient_access.access import admit, came
from sandbox.auth.tokens.access_token import Access, alive, reach
from sandbox.core.cache import bounded
from sandbox.core.clock import stopwatch
from sandbox.core.errors import SandboxProblem
from sandbox.core.gates import Facts
from sandbox.faults.selection import Selection
from sandbox.fhir import bundle
from sandbox.store.secret import new_secret
from sandbox.web import budget
from sandbox.web import request as visit
from sandbox.web.errors.refusals import PROBLEM
from sandbox.web.http import compression
from sandbox.web.http.headers import CORRELATION, correlation
from sandbox.web.http.origin import REFUSAL
from sandbox.web.journal import Asked, noted
from sandbox.web.negotiation import takes_json

Headers = list[tuple[str, str]]
Args = tuple[tuple[str, str], ...]

_PATH = re.compile(r"/fhir/([A-Z][A-Za-z]{1,63})(?:/([A-Za-z0-9\-.]{1,64})(/\$everything)?)?")
_UNUSUAL = (
    "HTTP_X_SANDBOX_SCENARIO", "HTTP_X_SANDBOX_FAIL_NEXT", "HTTP_ORIGIN", "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE", "HTTP_PREFER", "HTTP_TRANSFER_ENCODING", PROBLEM, REFUSAL,
)  # fmt: skip
"""What in an environ changes more than how the answer is packed."""
_ELSEWHERE = frozenset({"_format", "_pretty", "access_token"})
"""Parameters likewise."""


@dataclass(frozen=True)
class Ask:
    """A request of the hot kind, and what the journal looks at of it."""

    kind: str
    id: str
    whole: bool
    args: Args
    journal: Asked

    @property
    def action(self) -> str:
        return "r" if self.id else "s"


class Lane:
    """WSGI, before an app whose wiring is `rooms`."""

    def __init__(self, app: Callable[..., Iterable[bytes]], rooms: visit.Rooms):
        self.app, self._rooms = app, rooms

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answered = self._answer(environ)
        if answered is None:
            return self.app(environ, start_response)
        headers, body = answered
        start_response("200 OK", headers)
        return [body]

    def _answer(self, environ: Mapping[str, Any]) -> tuple[Headers, bytes] | None:
        started = stopwatch()
        try:
            asked = _plain(environ)
            if asked is None:
                return None
            arrived = self._arrived(environ, asked, started)
            if arrived is None:
                return None
            here, allowed = arrived
            here.notes["correlation"] = correlation(environ)
            came(here, allowed)
            admit(here, allowed, asked.kind, asked.action, "" if asked.whole else asked.id)
            headers, body = _served(here, allowed, asked)
        except SandboxProblem:
            return None
        headers.append(("Vary", "Origin, Accept-Encoding" if here.payer.cors else "Accept-Encoding"))
        if len(body) >= compression.LEAST and compression.wanted(environ.get("HTTP_ACCEPT_ENCODING", "")):
            headers.append(("Content-Encoding", "gzip"))
            body = compression.zipped(body)
        headers.append(("Content-Length", str(len(body))))
        headers.append(("X-Request-Id", here.request_id))
        if given := here.notes["correlation"]:
            headers.append((CORRELATION, given))
        here.ledger.note(noted(here, asked.journal, 200))
        return headers, body

    def _arrived(
        self, environ: Mapping[str, Any], asked: Ask, started: float
    ) -> tuple[visit.RequestContext, Access] | None:
        """The visit and what its token allows, if no accident can happen in it. Raises NotFound for a
        scenario that there is not, Forbidden as `reach` does."""
        rooms = self._rooms
        path = environ.get("sandbox.scenario", "")
        here = rooms.catalog.parse(path) if path else Selection()
        selection = rooms.catalog.choose(path, None, rooms.default_scenario)
        if selection.has_rules:
            return None
        ledger = rooms.ledger.tenant(here.key)
        chosen = bool(here.scenarios)
        if not chosen and any(rooms.ledger.origin_of(ledger.name, asked.journal.secret) or ()):
            return None
        found = ledger.arrival(asked.journal.secret)
        if (
            found is None
            or found.armed
            or found.locks
            or found.token.kind != "access"
            or found.token.uses is not None
        ):
            return None
        facts = Facts("GET", asked.journal.path, asked.kind)
        base = _base(*(environ.get(name, "") for name in _ADDRESS))
        made = visit.make(
            rooms, selection, ledger, base, facts, new_secret(6), started, chosen=chosen, state=found[:2]
        )
        return (made, reach(found.token, found.grant)) if alive(made.desk, found.token, found.grant) else None


def _plain(environ: Mapping[str, Any]) -> Ask | None:
    """The request, if it is of the hot kind. Raises BadRequest for an Accept that is too long."""
    if environ["REQUEST_METHOD"] != "GET" or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
        return None
    if budget.is_over(environ):
        return None
    path = environ["PATH_INFO"]
    found = _PATH.fullmatch(path)
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, secret = authorization.partition(" ")
    if found is None or scheme.lower() != "bearer" or any(name in environ for name in _UNUSUAL):
        return None
    if "HTTP_ACCEPT" in environ and not takes_json(environ["HTTP_ACCEPT"]):
        return None
    query = environ.get("QUERY_STRING", "")
    args, sent = _args(query)
    kind, id, whole = found.groups()
    if not _ELSEWHERE.isdisjoint(sent) or (whole and kind != "Patient"):
        return None
    if id and not whole and reads.ELEMENTS in sent:
        return None
    accept, agent = environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_USER_AGENT", "")
    journal = Asked("GET", path, query, sent, secret.strip(), accept, agent)
    return Ask(kind, id or "", bool(whole), args, journal)


@bounded(4 << 20, 60)
def _args(query: str) -> tuple[Args, ImmutableMultiDict[str, str]]:
    sent = Request({"REQUEST_METHOD": "GET", "QUERY_STRING": query}).args
    return tuple(sent.items(multi=True)), ImmutableMultiDict(sent)


def _served(here: visit.RequestContext, allowed: Access, asked: Ask) -> tuple[Headers, bytes]:
    kind: Headers = [("Content-Type", bundle.JSON)]
    if asked.whole:
        return kind, operations.compartment(here, allowed, asked.id, asked.args)
    if asked.id:
        stored = reads.found(here, allowed, asked.kind, asked.id)
        return kind + reads.validators(stored), stored.body
    return kind, searches.results(here, allowed, asked.kind, asked.args)


_ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")


@bounded(256 << 10)
def _base(*address: str) -> str:
    """The payer's own prefix, as Flask would tell it."""
    request = Request({"REQUEST_METHOD": "GET", **dict(zip(_ADDRESS, address, strict=True))})
    return visit.base_of(request)
