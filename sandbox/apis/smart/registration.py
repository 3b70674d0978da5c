"""/auth/register: apps register themselves (RFC 7591) and look after their registration (RFC 7592).

The client secret is shown once, at registration: it is kept as a digest, so that reading a
registration later does not repeat it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from sandbox.auth.clients import registration
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import Metadata, RegistrationError, RegistrationRules
from sandbox.core.errors import BadRequest, NotFound, Unauthorized
from sandbox.core.files import json_bytes, json_value
from sandbox.store.secret import new_secret
from sandbox.web import quota
from sandbox.web.request import here

register = Blueprint("register", __name__, url_prefix="/auth/register")


def rules() -> RegistrationRules:
    """What registration depends on, at the payer in hand."""
    visit = here()

    def scenario_problem(name: str) -> str | None:
        try:
            visit.rooms.catalog.parse(name)
        except NotFound as problem:
            return problem.text
        return None

    return RegistrationRules(visit.payer, visit.desk.types(), visit.rooms.remote.loopback, scenario_problem)


def enrol(metadata: Metadata) -> tuple[Client, str | None, str]:
    """A new client, its secret (None: it has none) and its management token, each shown only now.

    Raises RegistrationError, TooManyRequests.
    """
    visit = here()
    client = registration.client_of(metadata, rules(), visit.desk.now())
    quota.take("registration")
    secret = new_secret() if registration.needs_secret(client) else None
    manage = new_secret()
    visit.clients.add(client, secret, manage)
    visit.notes["client"] = client.client_id
    return client, secret, manage


@register.errorhandler(RegistrationError)
def refused(problem: RegistrationError) -> Response:
    return _json({"error": problem.error, "error_description": problem.description}, 400)


@register.post("")
def create() -> Response:
    visit = here()
    if visit.payer.registration == "closed":
        raise NotFound(f"This payer registers apps by hand: write to {visit.payer.developer_email}")
    body = _body()
    if isinstance(body, Response):
        return body
    client, secret, manage = enrol(registration.read(body))
    shown: dict[str, Any] = {**registration.described(client), **_management(client, manage)}
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    return _json(shown, 201)


@register.get("/<id>")
def read(id: str) -> Response:
    client, token = _managed(id)
    return _json({**registration.described(client), **_management(client, token)})


@register.put("/<id>")
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
        registration.client_of(metadata, rules(), old.registered or 0, id), visit.desk.now()
    )
    return _json({**registration.described(changed), **_management(changed, token)})


@register.delete("/<id>")
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
