"""A client authenticates at /token, /revoke, /introspect and /par in the one way that it registered.

Sources: RFC 6749 §2.3 (one method in a request), RFC 7523 §2.2, RFC 7591 §2
(token_endpoint_auth_method).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from authlib.oauth2.rfc6749.util import extract_basic_authorization

from sandbox.auth.authentication import assertion
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import OAuthRefusal, invalid_client, invalid_request


class Caller(Protocol):
    """A request of a client: its form, its headers and the context of the decision."""

    headers: Mapping[str, str]
    context: AuthContext

    @property
    def form(self) -> dict[str, str]: ...


def authenticate(request: Caller, endpoint: str = "token") -> Client:
    """Return the approved client that sent this form. `endpoint` is the last part of its URL.

    Raises OAuthRefusal: invalid_request for two methods at once, otherwise invalid_client (401).
    """
    form, context = request.form, request.context
    basic = _basic(request)
    ways = [
        name
        for name, is_used in (
            ("client_secret_basic", "Authorization" in request.headers),
            ("client_secret_post", bool(form.get("client_secret"))),
            ("private_key_jwt", "client_assertion" in form or "client_assertion_type" in form),
        )
        if is_used
    ]
    if len(ways) > 1:
        raise invalid_request("The client authenticates in two ways. Use the one that it is registered for.")
    way = ways[0] if ways else "none"
    jwt = form.get("client_assertion", "")
    if way == "private_key_jwt":
        if form.get("client_assertion_type") != assertion.TYPE:
            raise _assertion_refused(f"client_assertion_type must be {assertion.TYPE}.")
        client_id = assertion.unverified_client(jwt)
        if form.get("client_id", client_id) != client_id:
            raise _assertion_refused("client_id differs from sub in the client assertion.")
    else:
        client_id = basic[0] if basic else form.get("client_id") or _holder(request, endpoint)
    client = context.clients.get(client_id) if client_id else None
    if client is None:
        raise invalid_client("The client is not registered here, or the request has no client_id.")
    if way == "client_secret_basic" and not context.payer.client_secret_basic:
        raise invalid_client("This payer does not accept client_secret by HTTP Basic. Send it in the form.")
    if way == "client_secret_basic" and client.public and basic and not basic[1]:
        # Some libraries send the id of a public client by Basic: that proves nothing.
        way = "none" if client.empty_basic or context.payer.empty_basic else way
    # Where Basic is not accepted, clients that registered for it can use the form only.
    moved = way == "client_secret_post" and not context.payer.client_secret_basic
    if client.auth_method != way and not (moved and client.auth_method == "client_secret_basic"):
        raise invalid_client(f"This client authenticates by {client.auth_method}, not by {way}.")
    if way == "client_secret_post" and not (moved or context.payer.client_secret_post):
        raise invalid_client("This payer does not accept client_secret in the form. Use HTTP Basic.")
    if way == "private_key_jwt":
        try:
            assertion.verify(context, client, jwt, _audiences(context, endpoint))
        except assertion.AssertionRefused as problem:
            raise _assertion_refused(f"The client assertion was not accepted: {problem}.") from None
    elif way != "none":
        secret = (basic[1] if basic else form.get("client_secret")) or ""
        if not client.check_client_secret(secret, context.now()):
            raise invalid_client("The client secret is wrong.")
    if client.refusal:
        raise invalid_client(f"{client.refusal}.", cause="app-not-approved")
    return client


def _holder(request: Caller, endpoint: str) -> str | None:
    """Return the client of a refresh token: a public one need not send client_id (RFC 6749 §6, and SMART's
    refresh request has none). It gains nothing by that: it has to present the token."""
    form = request.form
    if endpoint != "token" or form.get("grant_type") != "refresh_token":
        return None
    token = request.context.ledger.token(form.get("refresh_token", ""), "refresh")
    return token.client if token else None


def basic_id(headers: Mapping[str, str]) -> str | None:
    """Return the client id in an HTTP Basic header; None when there is none that can be read."""
    try:
        client_id, _ = extract_basic_authorization(headers)
    except ValueError:
        return None
    return client_id or None


def _basic(request: Caller) -> tuple[str, str | None] | None:
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError:  # Authlib raises it for a header that is not base64 of UTF-8
        raise invalid_client("The Authorization header is not valid HTTP Basic.") from None
    return (client_id, secret) if client_id else None


def _audiences(context: AuthContext, endpoint: str) -> tuple[str, ...]:
    """Return what `aud` may be: the token endpoint (SMART), the issuer (RFC 7523 §3) or either, by policy;
    at PAR also the issuer and that endpoint itself (RFC 9126 §2)."""
    token = f"{context.issuer}/token"
    accepted = {
        "token-endpoint": (token,),
        "either": (token, context.issuer),
        "issuer": (context.issuer,),
    }[context.payer.assertion_audience]
    if endpoint == "par":
        return tuple(dict.fromkeys((*accepted, context.issuer, f"{context.issuer}/par")))
    return accepted


def _assertion_refused(text: str) -> OAuthRefusal:
    return invalid_client(text, cause="client-assertion-refused")
