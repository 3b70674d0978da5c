"""The developer site: which addresses it has, and how they behave."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint

from sandbox.apis.developer import docs, home, routes
from sandbox.web.api import Api, Audience, Lookups, Operation
from sandbox.web.pages import refuse_foreign_forms


def _prepare(blueprint: Blueprint) -> None:
    blueprint.before_request(routes.require_portal)
    blueprint.before_request(refuse_foreign_forms)


DEVELOPER = Api(
    name="developer",
    prefix="/developer",
    title="Developer site",
    cites=("42 CFR 422.119(d)",),
    audience=Audience.PUBLIC,
    operations=(
        Operation("GET", "", "home", home.home, "Show the first steps, addresses and members."),
        Operation("POST", "/sign-in", "sign_in", home.sign_in),
        Operation("GET", "/docs", "docs", docs.home, "Document the APIs, and search the documentation."),
        Operation("GET", "/docs/<path:name>", "guide", docs.guide, "Show a guide."),
        Operation("GET", "/openapi.json", "openapi", docs.openapi_document, "Return the OpenAPI document."),
        Operation(
            "GET",
            "/openapi/<name>.json",
            "openapi_of",
            docs.openapi_document,
            "Return the OpenAPI document of another FHIR API.",
        ),
        Operation("GET", "/register", "form", routes.form),
        Operation("POST", "/register", "register", routes.register),
        Operation("GET", "/apps", "find", routes.find),
        Operation("POST", "/apps", "open_app", routes.open_app),
        Operation("GET", "/apps/<id>", "app", routes.app),
        Operation("POST", "/apps/<id>/secret", "rotate", routes.rotate),
        Operation("POST", "/apps/<id>/keys", "keys", routes.keys),
    ),
    causes=files(__package__) / "causes.yaml",
    facts=lambda context: {"claims": {"developer_portal": context.address_of("developer")}},
    lookups=Lookups(origin=routes.find_origin),
    prepare=_prepare,
)  # fmt: skip

ROOT = Api(
    name="root",
    prefix="",
    title="The payer's own address",
    cites=(),
    audience=Audience.PUBLIC,
    operations=(Operation("GET", "/", "root", routes.root),),
)

APIS = (DEVELOPER, ROOT)
