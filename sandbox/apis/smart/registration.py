"""/auth/register: apps register themselves (RFC 7591) and look after their registration (RFC 7592).

The client secret is shown once, at registration: it is kept as a digest, so that reading a
registration later does not repeat it.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from sandbox.auth.clients import registration
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import RegistrationError
from sandbox.core.errors import BadRequest, NotFound, Unauthorized
from sandbox.core.files import json_bytes, json_value
from sandbox.web.enrollment import enroll, registration_rules
from sandbox.web.request import here


def refused(problem: RegistrationError) -> Response:
    return _json({"error": problem.error, "error_description": problem.description}, 400)


def create() -> Response:
    visit = here()
    if visit.payer.registration == "closed":
        raise NotFound(f"This payer registers apps by hand: write to {visit.payer.developer_email}")
    body = _body()
    if isinstance(body, Response):
        return body
    client, secret, manage = enroll(registration.read(body))
    shown: dict[str, Any] = {**registration.described(client), **_management(client, manage)}
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    return _json(shown, 201)


def read(id: str) -> Response:
    client, token = _managed(id)
    return _json({**registration.described(client), **_management(client, token)})


def change(id: str) -> Response:
    """RFC 7592 §2.2: the whole metadata again, `client_id` included. How the client authenticates
    stays as it is; its keys may be replaced (key rotation)."""
    visit = here()
    old, token = _managed(id)
    body = _body()
    if isinstance(body, Response):
        return body
    metadata = registration.read(body)
    named = json_value(body)
    if named.get("client_id") != id:
        raise RegistrationError("invalid_client_metadata", "client_id must be the client's own")
    given = named.get("client_secret")
    if given is not None and not (isinstance(given, str) and old.check_client_secret(given)):
        raise RegistrationError("invalid_client_metadata", "client_secret is not this client's")
    if metadata.token_endpoint_auth_method != old.auth_method:
        raise RegistrationError(
            "invalid_client_metadata", "token_endpoint_auth_method stays as it is: register a new client"
        )
    changed = visit.clients.replace(
        registration.client_of(metadata, registration_rules(), old.registered or 0, id), visit.desk.now()
    )
    return _json({**registration.described(changed), **_management(changed, token)})


def remove(id: str) -> Response:
    client, _ = _managed(id)
    visit = here()
    visit.clients.remove(client.client_id, visit.desk.now())
    return _safe(Response(status=204))


def _managed(id: str) -> tuple[Client, str]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    client = here().clients.managed(id, token.strip()) if scheme.lower() == "bearer" else None
    if client is None:
        raise Unauthorized(
            "The registration access token is missing or not this client's",
            headers={"WWW-Authenticate": 'Bearer realm="register"'},
        )
    here().notes["client"] = id
    return client, token.strip()


def _body() -> bytes | Response:
    if request.mimetype != "application/json":
        told = {"error": "invalid_client_metadata", "error_description": "The body must be application/json"}
        return _json(told, 415)
    body = request.get_data()
    if len(body) > registration.MAX_BYTES:
        text = f"The body has more than {registration.MAX_BYTES} bytes"
        return _json({"error": "invalid_client_metadata", "error_description": text}, 413)
    if not body:
        raise BadRequest("The body is empty")
    return body


def _management(client: Client, token: str) -> dict[str, str]:
    uri = f"{here().auth}/register/{client.client_id}"
    return {"registration_access_token": token, "registration_client_uri": uri}


def _json(value: Any, status: int = 200) -> Response:
    return _safe(Response(json_bytes(value), status=status, content_type="application/json"))


def _safe(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
