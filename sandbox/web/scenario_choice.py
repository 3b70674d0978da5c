"""Under which scenarios a request is answered, and under which the thing that it presents was granted.

Path prefix, then header, then the pin of the grant, then the server's default choose the selection. A code,
a token, a sign-in under way or a registration that was made under another one keeps its terms: the header
acts on it, but it loosens nothing (`core.payer.with_terms`, `faults.gates.LayeredGates`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import request
from werkzeug.datastructures import MultiDict

from sandbox.auth.clients.authentication import basic_id
from sandbox.auth.clients.registry import Registry
from sandbox.faults.selection import Selection
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web.journal import bearer
from sandbox.web.request import Rooms

_MANAGED = re.compile(r"/(?:auth/register|developer/apps)/[^/]+(?:/.*)?")
_PAGES = ("/auth/login", "/auth/pick", "/auth/consent")
_TOKENS = ("/auth/revoke", "/auth/introspect")
_GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}
"""Grant type → the parameter that holds what was granted."""


@dataclass(frozen=True)
class InForce:
    """The `selection` of a request; `granted` is the one under which what it presents was granted, where
    that is another one."""

    selection: Selection
    granted: Selection | None = None


def in_force(wired: Rooms, ledger: TenantLedger, path: str, header: str | None) -> InForce:
    """What is in force for the request in hand. From here on, what is granted through `ledger` remembers
    it. Raises NotFound for a scenario that there is no more."""

    def choose(header: str | None, pin: str = "") -> Selection:
        return wired.catalog.choose(path, header, wired.default_scenario, pin)

    selection = choose(header)
    if path and wired.catalog.parse(path).scenarios:
        return InForce(selection)  # a tenant of its own: what is presented here was granted here
    origin = _origin(wired, ledger)
    if origin is None and header:  # nothing is presented: this begins under the header
        ledger.terms = selection.written
        return InForce(selection)
    if origin is None:  # what its app has registered later is not looked at for what was granted before
        client = Registry(wired.clients, ledger).get(named_client() or "") if _is_auth() else None
        origin = Origin((client.scenario if client else None) or "")
    ledger.pin, ledger.terms = origin
    own = choose(None, origin.pin or origin.terms)
    if not header and not origin.terms:
        return InForce(own)
    return InForce(selection, own if own.name != selection.name else None)


def _is_auth() -> bool:
    return request.path.startswith("/auth/")


def named_client() -> str | None:
    """The client that a request to /auth names, in its form or by HTTP Basic."""
    return parameter("client_id", request.values) or basic_id(request.headers)


def parameter(name: str, values: MultiDict[str, str]) -> str:
    """The first value of a parameter that is not empty: an empty one counts as omitted (RFC 6749 §3.1)."""
    return next(filter(None, values.getlist(name)), "")


def _origin(wired: Rooms, ledger: TenantLedger) -> Origin | None:
    """Where that comes from which the request presents; None when it presents nothing that was granted.

    One thing is looked at, the one that the endpoint will look at: another beside it must not decide.
    """
    path = request.path.rstrip("/")
    if path == "/fhir" or path.startswith("/fhir/"):
        return _of_token(wired, ledger, bearer())
    if path in _PAGES:
        pending = parameter("request", request.values)
        return ledger.origin(pending=pending) if pending else None
    if path in _TOKENS:
        return _of_token(wired, ledger, parameter("token", request.form) or bearer())
    if path == "/auth/token":
        grant_type = parameter("grant_type", request.form)
        secret = parameter(_GRANTS.get(grant_type, ""), request.form)
        if grant_type == "authorization_code":
            return ledger.origin(code=secret) if secret else None
        return _of_token(wired, ledger, secret)
    if _MANAGED.fullmatch(path):
        return Origin()
    return None


def _of_token(wired: Rooms, ledger: TenantLedger, secret: str) -> Origin | None:
    return wired.ledger.origin_of(ledger.name, secret) if secret else None
