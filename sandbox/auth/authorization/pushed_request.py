"""Pushed authorization requests (RFC 9126): a client sends its request ahead and gets a name for it.

The name works once, for a minute, for the client that pushed.
"""

from __future__ import annotations

from typing import Any

from sandbox.auth.authentication.authenticate import Caller, authenticate
from sandbox.auth.authorization import authorize
from sandbox.auth.authorization.request import REPEATABLE, Parameters
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import CallbackError, OAuthRefusal, invalid_request
from sandbox.core.errors import BadRequest, bad_request
from sandbox.store.secret import new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
SECONDS = 60

_CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")


def push(caller: Caller, args: Parameters) -> dict[str, Any]:
    """Check and keep a request, and return the body of the answer. Raises OAuthRefusal."""
    context = caller.context
    client = authenticate(caller, "par")
    if any(len(values) > 1 for name, values in args.items() if name not in REPEATABLE):
        raise _invalid("A parameter is there more than once. Send each parameter once.")
    if "request_uri" in args:
        raise _invalid("request_uri cannot be pushed. Push the parameters of the request.")
    params = {name: list(values) for name, values in args.items() if name not in _CREDENTIALS}
    if params.setdefault("client_id", [client.client_id]) != [client.client_id]:
        raise _invalid("client_id is not that of the client that authenticates.")
    try:
        authorize.check(params, context, pushed=True)
    except CallbackError as problem:
        raise OAuthRefusal(problem.error, problem.description, cause=problem.cause) from None
    except BadRequest as problem:
        raise invalid_request(problem.text, cause=problem.cause) from None
    name = new_secret()
    try:
        context.ledger.push(name, client.client_id, params, context.now() + SECONDS * 1000)
    except (TypeError, ValueError):
        raise _invalid("The request is not valid UTF-8.") from None
    return {"request_uri": PREFIX + name, "expires_in": SECONDS}


def _invalid(text: str) -> OAuthRefusal:
    return invalid_request(text, cause="pushed-request-invalid")


def take(args: Parameters, context: AuthContext) -> dict[str, list[str]]:
    """Return the pushed request that `args` name, and spend it.

    Raises BadRequest: without a request there is no redirect URI to send an error to.
    """
    if any(len(args.get(name, ())) != 1 for name in ("client_id", "request_uri")):
        text = "client_id and request_uri must each be sent once."
        bad_request(text, "request_uri", cause="authorization-request-invalid")
    client, name = args["client_id"][0], args["request_uri"][0]
    if not (client.isprintable() and name.isprintable()):
        text = "client_id or request_uri is not valid UTF-8."
        bad_request(text, "request_uri", cause="authorization-request-invalid")
    params = context.ledger.take_pushed(name.removeprefix(PREFIX), client, context.now())
    if params is None:
        text = "This request_uri is unknown, used, expired or another client's. Push the request again."
        bad_request(text, "request_uri", cause="pushed-request-unknown")
    return params


def names_one(args: Parameters, context: AuthContext) -> bool:
    """Whether a request at /authorize is the name of a pushed one."""
    names = args.get("request_uri", ())
    return context.payer.par != "off" and any(name.startswith(PREFIX) for name in names)
