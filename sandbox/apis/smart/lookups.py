"""What the SMART API tells of a request before it is answered, and of an answer for the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Response, request
from werkzeug.datastructures import MultiDict

from sandbox.auth.authentication.assertion import keys_to_fetch
from sandbox.auth.authentication.authenticate import basic_id
from sandbox.auth.clients.registry import Registry
from sandbox.core.files import json_value
from sandbox.core.waits import HANDLED
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web.enrollment import is_managed_app
from sandbox.web.journal.entry import bearer, mark
from sandbox.web.request import RequestContext, Wiring, current

_PAGES = ("login", "pick", "consent")
_TOKENS = ("revoke", "introspect")
_GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}
"""Grant type → the parameter that holds what was granted."""
_ISSUED = ("access_token", "refresh_token")


def describe_request(below: str) -> Mapping[str, Any]:
    """The client and the grant type that the request names."""
    is_token = _step(below) == "token"
    return {
        "client": _named_client(),
        "grant_type": _parameter("grant_type", body_parameters()) or None if is_token else None,
    }


def body_parameters() -> MultiDict[str, str]:
    """The parameters of a call of the token endpoint: of its form, or of a JSON body or the query, where
    some payers read them."""
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        texts = body.items() if isinstance(body, dict) else ()
        return MultiDict((name, text) for name, text in texts if isinstance(text, str))
    return MultiDict(request.form or request.args)


def find_origin(wiring: Wiring, ledger: TenantLedger, below: str) -> Origin | None:
    """Where that was granted which the request presents; None when it presents nothing.

    One thing is looked at, the one that the endpoint will look at: another beside it must not decide.
    """
    step = _step(below)
    if step in _PAGES:
        pending = _parameter("request", request.values)
        return ledger.origin(pending=pending) if pending else None
    if step in _TOKENS:
        return _origin_of_token(wiring, ledger, _parameter("token", request.form) or bearer())
    if step == "token":
        parameters = body_parameters()
        grant_type = _parameter("grant_type", parameters)
        secret = _parameter(_GRANTS.get(grant_type, ""), parameters)
        if grant_type == "authorization_code":
            return ledger.origin(code=secret) if secret else None
        return _origin_of_token(wiring, ledger, secret)
    return Origin() if is_managed_app(below, "register") else None


def find_registered(wiring: Wiring, ledger: TenantLedger) -> str:
    """The scenarios with which the app of the request registered."""
    client = Registry(wiring.clients, ledger).get(_named_client() or "")
    return (client.scenario if client else None) or ""


def find_keys_to_fetch(context: RequestContext) -> str | None:
    """The jwks_uri without which this request's client assertion cannot be verified. A server that
    waits fetches it before anything is counted or decided."""
    if request.method != "POST" or HANDLED not in request.environ:
        return None
    assertion = request.form.get("client_assertion")
    return keys_to_fetch(context, assertion) if assertion else None


def digest_issued(response: Response) -> Mapping[str, str]:
    """Digests of what this answer handed out: the callback's code and state, or the tokens."""
    if 300 <= response.status_code < 400:
        address = urlsplit(response.headers.get("Location", ""))
        sent = parse_qs(address.query) | parse_qs(address.fragment)
        return {name: mark(sent[name][0]) for name in ("code", "state") if name in sent}
    if _step(current().path_below) != "token" or response.status_code != 200 or response.is_streamed:
        return {}
    try:
        body = json_value(response.get_data())
    except ValueError:
        return {}
    tokens = {name: body.get(name) for name in _ISSUED} if isinstance(body, dict) else {}
    return {name: mark(value) for name, value in tokens.items() if isinstance(value, str)}


def _step(below: str) -> str:
    """The first segment below the API's prefix: "token", "register"."""
    return below.removeprefix("/").partition("/")[0]


def _named_client() -> str | None:
    """The client that the request names, in its form or by HTTP Basic."""
    return _parameter("client_id", request.values) or basic_id(dict(request.headers))


def _parameter(name: str, values: MultiDict[str, str]) -> str:
    """The first value of a parameter that is not empty: an empty one counts as omitted (RFC 6749 §3.1)."""
    return next(filter(None, values.getlist(name)), "")


def _origin_of_token(wiring: Wiring, ledger: TenantLedger, secret: str) -> Origin | None:
    return wiring.ledger.origin_of(ledger.name, secret) if secret else None
