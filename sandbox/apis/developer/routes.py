"""The developer site: registration, and an app's own page. No login, no e-mail
(REG-31): an app's page opens with the token that its registration returned."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.developer.snippets import build_snippets
from sandbox.auth.clients.client import SECRET_METHODS, Client
from sandbox.auth.clients.jwks import check_jwks
from sandbox.auth.clients.registration import MAX_BYTES, invalid_metadata, understand
from sandbox.auth.clients.registry import CRITERIA
from sandbox.auth.clients.remote_keys import check_address
from sandbox.auth.errors import OAuthRefusal
from sandbox.core.errors import NotFound
from sandbox.core.files import json_value
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web.enrollment import enroll, is_managed_app
from sandbox.web.pages import page
from sandbox.web.request import Wiring, current

_CODE = ["authorization_code", "refresh_token"]
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "public": (
        "Runs on the member’s device or in the browser: no secret",
        {"token_endpoint_auth_method": "none", "grant_types": _CODE},
    ),
    "secret": (
        "Has a server of its own: a client secret",
        {"token_endpoint_auth_method": "client_secret_basic", "grant_types": _CODE},
    ),
    "key": (
        "Has a server of its own: a key pair (private_key_jwt)",
        {"token_endpoint_auth_method": "private_key_jwt", "grant_types": _CODE},
    ),
    "backend": (
        "Backend service without a member: a key pair and system scopes",
        {"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"]},
    ),
}
"""What kind of app the form knows: its words, and the metadata it stands for."""


def require_portal() -> None:
    """Raises NotFound where the payer has no developer site."""
    payer = current().payer
    if payer.developer_portal != "portal":
        how = f": write to {payer.developer_email}" if payer.developer_portal == "email" else ""
        raise NotFound(f"This payer has no developer portal{how}", cause="developer-portal-closed")


def find_origin(wiring: Wiring, ledger: TenantLedger, below: str) -> Origin | None:
    """An app's own page is the same under whatever scenarios it was registered."""
    return Origin() if is_managed_app(below, "apps") else None


def root() -> AnyResponse:
    return redirect(f"{current().base}/developer")


def form() -> Response:
    return _form(200, {}, None)


def register() -> Response:
    if current().payer.registration == "closed":
        current().notes["cause"] = "registration-closed"
        return _form(403, {}, "This payer registers apps by hand.")
    form_fields = {name: value.strip() for name, value in request.form.items()}
    if sum(map(len, form_fields.values())) > MAX_BYTES:
        return _form(413, {}, f"The form has more than {MAX_BYTES} characters.")
    try:
        client, secret, key = enroll(understand(_metadata(form_fields)))
    except OAuthRefusal as problem:
        current().notes["cause"] = problem.cause
        return _form(400, form_fields, problem.description)
    return _app(client, key, secret=secret, fresh=True, status=201)


def find() -> AnyResponse:
    return page("developer_find.html", problem=None)


def open_app() -> AnyResponse:
    id, key = request.form.get("client_id", "").strip(), request.form.get("key", "").strip()
    client = current().clients.managed(id, key)
    if client is None:
        current().notes["cause"] = "app-unknown"
        problem = "There is no app with this client id and management token."
        return page("developer_find.html", 404, problem=problem)
    return _app(client, key)


def app(id: str) -> Response:
    return _app(_managed(id), request.values.get("key", ""))


def rotate(id: str) -> Response:
    client, context = _managed(id), current()
    if client.auth_method not in SECRET_METHODS:
        context.notes["cause"] = "app-keys-invalid"
        return _app(client, request.form.get("key", ""), problem="This app has no secret.", status=400)
    notice = request.form.get("when") != "now"
    secret = context.clients.rotate(id, context.payer, context.now(), notice=notice)
    return _app(context.clients[id], request.form.get("key", ""), secret=secret)


def keys(id: str) -> Response:
    client, context, key = _managed(id), current(), request.form.get("key", "")
    try:
        if client.auth_method != "private_key_jwt":
            raise ValueError("This app does not authenticate by keys.")
        form_fields = _keys({name: value.strip() for name, value in request.form.items()})
        if "jwks_uri" in form_fields:
            check_address(form_fields["jwks_uri"], context.wiring.remote.loopback)
            changed = replace(client, jwks=None, jwks_uri=form_fields["jwks_uri"])
        else:
            changed = replace(client, jwks=check_jwks(form_fields.get("jwks")), jwks_uri=None)
    except ValueError as problem:
        context.notes["cause"] = "app-keys-invalid"
        return _app(client, key, problem=f"The keys were not replaced: {problem}", status=400)
    return _app(context.clients.replace(changed, context.now()), key, done="The keys were replaced.")


def _managed(id: str) -> Client:
    client = current().clients.managed(id, request.values.get("key", ""))
    if client is None:
        raise NotFound("There is no app with this client id and management token", cause="app-unknown")
    current().notes["client"] = id
    return client


def _app(
    client: Client,
    key: str,
    *,
    secret: str | None = None,
    fresh: bool = False,
    problem: str | None = None,
    done: str | None = None,
    status: int = 200,
) -> Response:
    return page(
        "developer_app.html",
        status,
        client=client,
        key=key,
        secret=secret,
        fresh=fresh,
        problem=problem,
        done=done,
        why=CRITERIA.get(client.criterion or ""),
        keys=json.dumps(client.jwks, indent=2) if client.jwks else "",
        has_secret=client.auth_method in SECRET_METHODS,
        snippets=build_snippets(current(), client, secret or "") if fresh else (),
        scripted=True,
    )


def _form(status: int, form_fields: dict[str, str], problem: str | None) -> Response:
    return page(
        "developer_register.html",
        status,
        kinds=[(name, words) for name, (words, _) in KINDS.items()],
        scenarios=current().wiring.catalog.by_id.values(),
        form_fields=form_fields,
        problem=problem,
    )


def _metadata(form_fields: dict[str, str]) -> dict[str, Any]:
    """What the form says, as the metadata that an app would post. Raises OAuthRefusal."""
    kind = form_fields.get("kind", "")
    if kind not in KINDS:
        raise invalid_metadata("Choose what kind of app it is.")
    metadata: dict[str, Any] = {
        **KINDS[kind][1],
        "redirect_uris": form_fields.get("redirect_uris", "").split(),
        "client_name": form_fields.get("client_name") or None,
        "scope": form_fields.get("scope") or None,
        "scenario": form_fields.get("scenario") or None,
        "privacy_attestation": {"yes": True, "no": False}.get(form_fields.get("attestation", "")),
    }
    if metadata["client_name"] is None:
        raise invalid_metadata("Enter a name for the app. Members will see it.")
    try:
        return metadata | _keys(form_fields)
    except ValueError as problem:
        raise invalid_metadata(f"{problem}.") from None


def _keys(form_fields: dict[str, str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if form_fields.get("jwks_uri"):
        metadata["jwks_uri"] = form_fields["jwks_uri"]
    if form_fields.get("jwks"):
        try:
            metadata["jwks"] = json_value(form_fields["jwks"])
        except ValueError:
            raise ValueError("the JWK Set is not JSON") from None
    if len(metadata) > 1:
        raise ValueError("give either a JWK Set or its address, and not both")
    return metadata
