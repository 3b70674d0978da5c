"""/auth/register: apps register themselves (RFC 7591) and look after their registration (RFC 7592).

The client secret is shown once, at registration: it is kept as a digest, so that reading a
registration later does not repeat it.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from sandbox.auth.authlib_adapter import NO_STORE
from sandbox.auth.clients import registration
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import invalid_metadata
from sandbox.auth.errors import OAuthRefusal
from sandbox.core.errors import NotFound, Unauthorized
from sandbox.core.files import json_value
from sandbox.web.enrollment import enroll, registration_rules
from sandbox.web.journal.entry import bearer
from sandbox.web.negotiation import json_response
from sandbox.web.request import current


def create() -> Response:
    payer = current().payer
    if payer.registration == "closed":
        text = f"This payer registers apps by hand: write to {payer.developer_email}"
        raise NotFound(text, cause="registration-closed")
    client, secret, manage = enroll(registration.read(_body()))
    shown = _describe(client, manage)
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    return json_response(shown, 201, NO_STORE)


def read(id: str) -> Response:
    client, token = _managed(id)
    return json_response(_describe(client, token), headers=NO_STORE)


def change(id: str) -> Response:
    """RFC 7592 §2.2: the whole metadata again, `client_id` included. How the client authenticates
    stays as it is; its keys may be replaced (key rotation)."""
    old, token = _managed(id)
    body = _body()
    metadata, sent = registration.read(body), json_value(body)
    if sent.get("client_id") != id:
        raise invalid_metadata(f"client_id must be {id}.")
    secret = sent.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and old.check_client_secret(secret)):
        raise invalid_metadata("client_secret is not that of this client.")
    if metadata.token_endpoint_auth_method != old.auth_method:
        text = f"token_endpoint_auth_method must stay {old.auth_method}. To change it, register a new client."
        raise invalid_metadata(text)
    client = registration.client_of(metadata, registration_rules(), old.registered or 0, id)
    changed = current().clients.replace(client, current().now())
    return json_response(_describe(changed, token), headers=NO_STORE)


def remove(id: str) -> Response:
    client, _ = _managed(id)
    current().clients.remove(client.client_id, current().now())
    return Response(status=204, headers=NO_STORE)


def _managed(id: str) -> tuple[Client, str]:
    token = bearer()
    client = current().clients.managed(id, token) if token else None
    if client is None:
        raise Unauthorized(
            "The registration access token is missing, or is not that of this client.",
            cause="registration-token-missing",
            headers={"WWW-Authenticate": 'Bearer realm="register"'},
        )
    current().notes["client"] = id
    return client, token


def _body() -> bytes:
    """Return the body of a registration. Raises OAuthRefusal."""
    body = request.get_data()
    if request.mimetype != "application/json":
        text = "The body must be application/json."
        raise OAuthRefusal("invalid_client_metadata", text, cause="client-metadata-invalid", status=415)
    if len(body) > registration.MAX_BYTES:
        raise invalid_metadata(f"The body has more than {registration.MAX_BYTES} bytes.", status=413)
    if not body:
        raise OAuthRefusal("invalid_request", "The body is empty.", cause="client-metadata-invalid")
    return body


def _describe(client: Client, token: str) -> dict[str, Any]:
    """Return a registration with the token and the address by which its app manages it (RFC 7592 §3)."""
    uri = f"{current().issuer}/register/{client.client_id}"
    management = {"registration_access_token": token, "registration_client_uri": uri}
    return registration.described(client) | management
