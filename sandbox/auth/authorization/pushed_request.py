"""Pushed authorization requests (RFC 9126): a client sends its request ahead and gets a name for it.

The name works once, for a minute, for the client that pushed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from sandbox.auth.authorization import authorize
from sandbox.auth.authorization.request import REPEATABLE, CallbackError
from sandbox.auth.clients.authentication import Caller, authenticate
from sandbox.auth.context import Desk
from sandbox.core.errors import BadRequest, bad_request
from sandbox.store.secret import new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
SECONDS = 60

Args = Mapping[str, Sequence[str]]
_CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")


class PushedRequestRefused(OAuth2Error):
    """What the authorization endpoint would have told the app on its callback."""

    def __init__(self, error: str, description: str):
        super().__init__(description=description)
        self.error = error


def push(caller: Caller, args: Args) -> dict[str, Any]:
    """Check and keep a request: the answer's body. Raises Authlib's OAuth2Error."""
    desk = caller.desk
    client = authenticate(caller, "par")
    if any(len(values) > 1 for name, values in args.items() if name not in REPEATABLE):
        raise InvalidRequestError("A parameter is there more than once")
    if "request_uri" in args:
        raise InvalidRequestError("request_uri cannot be pushed")
    asked = {name: list(values) for name, values in args.items() if name not in _CREDENTIALS}
    if asked.setdefault("client_id", [client.client_id]) != [client.client_id]:
        raise InvalidRequestError("client_id is not the client that authenticates")
    try:
        authorize.check(asked, desk, pushed=True)
    except CallbackError as problem:
        raise PushedRequestRefused(problem.error, problem.description) from None
    except BadRequest as problem:
        raise InvalidRequestError(problem.text) from None
    name = new_secret()
    try:
        desk.ledger.push(name, client.client_id, asked, desk.now() + SECONDS * 1000)
    except (TypeError, ValueError):
        raise InvalidRequestError("The request is not UTF-8") from None
    return {"request_uri": PREFIX + name, "expires_in": SECONDS}


def take(args: Args, desk: Desk) -> dict[str, list[str]]:
    """The pushed request that `args` name, spent by this. Raises BadRequest: where there is no
    request, there is no redirect URI to tell an error to."""
    if any(len(args.get(name, ())) != 1 for name in ("client_id", "request_uri")):
        bad_request("client_id and request_uri must each be there once", "request_uri")
    client, name = args["client_id"][0], args["request_uri"][0]
    if not (client.isprintable() and name.isprintable()):
        bad_request("client_id or request_uri is not UTF-8", "request_uri")
    found = desk.ledger.take_pushed(name.removeprefix(PREFIX), client, desk.now())
    if found is None:
        bad_request("This request_uri is unknown, used, expired or another client's", "request_uri")
    return found


def names_one(args: Args, desk: Desk) -> bool:
    """Whether a request at /authorize is the name of a pushed one."""
    names = args.get("request_uri", ())
    return desk.payer.par != "off" and any(name.startswith(PREFIX) for name in names)
