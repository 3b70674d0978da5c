"""/auth, as an app sees it: token, revoke, introspect; JWKS, OpenID and RFC 8414 discovery."""

from __future__ import annotations

from typing import NoReturn

from flask import Response, request

from sandbox.apis.smart.lookups import body_parameters
from sandbox.auth import discovery
from sandbox.auth.authlib_adapter import NO_STORE, TokenRequest
from sandbox.auth.errors import OAuthRefusal
from sandbox.auth.tokens.id_token import jwks, signing_keys
from sandbox.core.errors import BadRequest, NotFound
from sandbox.web.dispatch import respond
from sandbox.web.negotiation import is_navigation, json_response
from sandbox.web.request import current
from sandbox.web.rest.readable import offer_page


def token() -> Response:
    token_request = _read_token_request()
    current().notes["grant_type"] = token_request.form.get("grant_type")
    return respond(current().wiring.server.token(token_request))


def revoke() -> Response:
    return respond(current().wiring.server.revoke(_token_request()))


def introspect() -> Response:
    return respond(current().wiring.server.introspect(_token_request()))


def refuse(refusal: OAuthRefusal) -> Response:
    """RFC 6749 §5.2, for every endpoint that apps call: error and description as JSON."""
    current().notes["cause"] = refusal.cause
    response = json_response(refusal.body, refusal.status, NO_STORE)
    if refusal.error == "invalid_client":  # a realm is required (RFC 7617 §2)
        realm = "par" if request.path == "/auth/par" else "token"
        response.headers["WWW-Authenticate"] = f'Basic realm="{realm}"'
    return response


def _read_token_request() -> TokenRequest:
    """Return the parameters of a token call, from where the payer's policy reads them."""
    place = current().payer.token_parameters
    if place == "form":
        return _token_request()
    if place == "query":
        if "grant_type" not in request.args:
            raise BadRequest("The parameters must be in the query", cause="token-form-invalid")
        return TokenRequest(request.args.to_dict(flat=False), dict(request.headers), current())
    if request.mimetype != "application/json":
        raise BadRequest("The body must be application/json", cause="media-type-unsupported")
    return TokenRequest(body_parameters().to_dict(flat=False), dict(request.headers), current())


def _token_request() -> TokenRequest:
    if request.mimetype != "application/x-www-form-urlencoded":
        text = "The body must be application/x-www-form-urlencoded"
        raise BadRequest(text, cause="media-type-unsupported")
    return TokenRequest(request.form.to_dict(flat=False), dict(request.headers), current())


def keys() -> Response:
    return json_response(jwks(*signing_keys(current())))


def openid_configuration() -> Response:
    context = current()
    body = discovery.openid_configuration(context.addresses, context.payer, context.wiring.others)
    return offer_page(json_response(body), "OpenID configuration", is_wanted=is_navigation())


def server_metadata() -> Response:
    context = current()
    body = discovery.server_metadata(context.addresses, context.payer, context.wiring.others)
    return offer_page(json_response(body), "Authorization server metadata", is_wanted=is_navigation())


def nothing_known(name: str) -> NoReturn:
    raise NotFound("There is nothing at this address.", cause="address-unknown")
