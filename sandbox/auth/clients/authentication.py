"""Who is calling: the one way in which a client authenticates at /token, /revoke, /introspect, /par.

Sources: RFC 6749 §2.3 (one method in a request), RFC 7523 §2.2, RFC 7591 §2
(token_endpoint_auth_method). A client that registered one way cannot come in another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from sandbox.auth.clients import assertion
from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk

_UNSPEAKABLE = re.compile(r"[^ !#-\[\]-~]")


class Caller(Protocol):
    """What is asked of a request: its form, its headers and the desk it came to."""

    headers: Mapping[str, str]
    desk: Desk

    @property
    def form(self) -> dict[str, str]: ...


class SupportsGet(Protocol):
    """Headers, however they are kept."""

    def get(self, name: str, /) -> Any: ...


def authenticate(request: Caller, endpoint: str = "token") -> Client:
    """The approved client that sent this form. `endpoint`: the last part of its URL.

    Raises Authlib's InvalidRequestError for two methods at once, InvalidClientError (401) otherwise,
    with a description that says what failed.
    """
    form, desk = request.form, request.desk
    basic = _basic(request)
    ways = [
        name
        for name, there in (
            ("client_secret_basic", "Authorization" in request.headers),
            ("client_secret_post", bool(form.get("client_secret"))),
            ("private_key_jwt", "client_assertion" in form or "client_assertion_type" in form),
        )
        if there
    ]
    if len(ways) > 1:
        raise InvalidRequestError("The client authenticates in two ways at once")
    way = ways[0] if ways else "none"
    given = form.get("client_assertion", "")
    if way == "private_key_jwt":
        if form.get("client_assertion_type") != assertion.TYPE:
            _refuse(f"client_assertion_type must be {assertion.TYPE}")
        named = assertion.unverified_client(given)
        if form.get("client_id", named) != named:
            _refuse("client_id and the client assertion name two clients")
    else:
        named = basic[0] if basic else form.get("client_id") or _holder(request, endpoint)
    client = desk.clients.get(named) if named else None
    if client is None:
        _refuse("The client is unknown, or the request does not name one")
    if way == "client_secret_basic" and not desk.payer.client_secret_basic:
        _refuse("This payer does not take client_secret by HTTP Basic")
    if way == "client_secret_basic" and client.public and basic and not basic[1]:
        # Some libraries send the id of a public client by Basic: it names itself and proves nothing.
        way = "none" if client.empty_basic or desk.payer.empty_basic else way
    # Where Basic is not taken, those who registered for it have nothing left but the form.
    moved = way == "client_secret_post" and not desk.payer.client_secret_basic
    if client.auth_method != way and not (moved and client.auth_method == "client_secret_basic"):
        _refuse(f"This client authenticates by {client.auth_method}, not by {way}")
    if way == "client_secret_post" and not (moved or desk.payer.client_secret_post):
        _refuse("This payer does not take client_secret in the form")
    if way == "private_key_jwt":
        try:
            assertion.verify(desk, client, given, _audiences(desk, endpoint))
        except assertion.AssertionRefused as problem:
            _refuse(f"The client assertion is refused: {problem}")
    elif way != "none":
        secret = (basic[1] if basic else form.get("client_secret")) or ""
        if not client.check_client_secret(secret, desk.now()):
            _refuse("The client secret is wrong")
    if client.refusal:
        _refuse(client.refusal)
    return client


def _holder(request: Caller, endpoint: str) -> str | None:
    """The app that a refresh token was issued to: a public one need not name itself (RFC 6749 §6, and
    SMART's refresh request has no client_id). It gains nothing: the token is what has to be shown."""
    form = request.form
    if endpoint != "token" or form.get("grant_type") != "refresh_token":
        return None
    token = request.desk.ledger.token(form.get("refresh_token", ""), "refresh")
    return token.client if token else None


def basic_id(headers: SupportsGet) -> str | None:
    """The client id in an HTTP Basic header; None when there is none that can be read."""
    try:
        client_id, _ = extract_basic_authorization(headers)
    except ValueError:
        return None
    return client_id or None


def _basic(request: Caller) -> tuple[str, str | None] | None:
    try:
        found: tuple[str | None, str | None] = extract_basic_authorization(request.headers)
    except ValueError:  # what Authlib says to a header that is not base64 of UTF-8
        _refuse("The Authorization header cannot be read")
    return (found[0], found[1]) if found[0] else None


def _audiences(desk: Desk, endpoint: str) -> tuple[str, ...]:
    """What `aud` may be: the token endpoint (SMART), the issuer (RFC 7523 §3) or either, as the payer
    wants it; at PAR also the issuer and that endpoint itself (RFC 9126 §2)."""
    token = f"{desk.issuer}/token"
    wanted = {
        "token-endpoint": (token,),
        "either": (token, desk.issuer),
        "issuer": (desk.issuer,),
    }[desk.payer.assertion_audience]
    return tuple(dict.fromkeys((*wanted, desk.issuer, f"{desk.issuer}/par"))) if endpoint == "par" else wanted


def speakable(text: str) -> str:
    """The text in the characters that an error_description may hold (RFC 6749 §5.2)."""
    return _UNSPEAKABLE.sub("'", text)


def _refuse(text: str) -> NoReturn:
    raise InvalidClientError(description=speakable(text), status_code=401)
