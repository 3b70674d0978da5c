"""The SMART App Launch API, and the payer's brand: which addresses they have, and how they behave."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from flask import Blueprint

from sandbox.apis.smart import authorization, brand, lookups, pending_request, registration, token
from sandbox.auth.errors import CallbackError, OAuthRefusal
from sandbox.web.api import Api, Audience, Cors, ErrorShape, Lookups, Operation
from sandbox.web.request import RequestContext

DEFAULT_CLIENT = "sandbox-app"
REDIRECT_URI = "http://127.0.0.1/callback"


def _facts(context: RequestContext) -> dict[str, Any]:
    """What a grader signs in with."""
    return {
        "instruments": {
            "client_id": DEFAULT_CLIENT,
            "redirect_uri": REDIRECT_URI,
            "authorization_endpoint": f"{context.issuer}/authorize",
            "token_endpoint": f"{context.issuer}/token",
        }
    }


def _prepare(blueprint: Blueprint) -> None:
    blueprint.register_error_handler(CallbackError, authorization.tell_app)
    blueprint.register_error_handler(OAuthRefusal, token.refuse)


def _for_apps(
    methods: str, path: str, name: str, view: Any, summary: str, cors: Cors = Cors.APPS
) -> Operation:
    return Operation(methods, path, name, view, summary, errors=ErrorShape.OAUTH, cors=cors)


def _document(path: str, name: str, view: Any, summary: str) -> Operation:
    return _for_apps("GET", path, name, view, summary, Cors.ANYONE)


SMART = Api(
    name="smart",
    prefix="/auth",
    title="SMART App Launch",
    cites=("SMART App Launch 2.2.0", "RFC 6749", "RFC 7591", "RFC 7592", "RFC 9126",
           "OpenID Connect Core 1.0"),
    audience=Audience.PUBLIC,
    operations=(
        Operation("GET POST", "/authorize", "authorize", authorization.authorize, "Begin a sign-in."),
        Operation("GET", "/login", "login", authorization.login),
        Operation("POST", "/login", "log_in", authorization.log_in),
        Operation("GET", "/pick", "pick", authorization.pick),
        Operation("POST", "/pick", "picked", authorization.picked),
        Operation("GET", "/consent", "consent", authorization.consent),
        Operation("POST", "/consent", "decide", authorization.decide),
        _for_apps("POST", "/par", "push", authorization.push, "Push an authorization request (RFC 9126)."),
        _for_apps("POST", "/token", "token", token.token,
                  "Exchange a code, refresh, or get a backend service's token."),
        _for_apps("POST", "/revoke", "revoke", token.revoke, "Revoke a token (RFC 7009)."),
        _for_apps("POST", "/introspect", "introspect", token.introspect, "Describe a token (RFC 7662)."),
        _for_apps("POST", "/register", "register", registration.create, "Register an app (RFC 7591)."),
        _for_apps("GET", "/register/<id>", "read", registration.read,
                  "Return an app's registration (RFC 7592).", Cors.NOBODY),
        _for_apps("PUT", "/register/<id>", "change", registration.change,
                  "Change an app's registration.", Cors.NOBODY),
        _for_apps("DELETE", "/register/<id>", "remove", registration.remove,
                  "Delete an app's registration.", Cors.NOBODY),
        _document("/jwks", "jwks", token.keys, "Return the keys that sign id_tokens."),
        _document("/.well-known/openid-configuration", "openid_configuration", token.openid_configuration,
                  "Return the OpenID configuration."),
        _document("/.well-known/oauth-authorization-server", "server_metadata", token.server_metadata,
                  "Return the metadata of the authorization server (RFC 8414)."),
        _for_apps("GET", "/.well-known/<name>", "well_known", token.nothing_known, "", Cors.NOBODY),
    ),
    causes=files(__package__) / "causes.yaml",
    facts=_facts,
    lookups=Lookups(
        facts=lookups.describe_request,
        origin=lookups.find_origin,
        registered=lookups.find_registered,
        keys_to_fetch=lookups.find_keys_to_fetch,
        issued=lookups.digest_issued,
        next_step=pending_request.find_next_step,
    ),
    is_issuer=True,
    prepare=_prepare,
)  # fmt: skip

BRAND = Api(
    name="brand",
    prefix="",
    title="User-access brand",
    cites=("SMART App Launch 2.2.0 User-access Brands",),
    audience=Audience.PUBLIC,
    operations=(
        Operation("GET", "/brand.css", "style", brand.style),
        Operation("GET", "/brand.svg", "logo", brand.mark),
        Operation(
            "GET", "/branding.json", "bundle", brand.bundle, "Return the brand as a Bundle.", cors=Cors.ANYONE
        ),
    ),
)

APIS = (SMART, BRAND)
