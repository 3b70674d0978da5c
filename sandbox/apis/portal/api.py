"""The member portal and the education page: which addresses they have, and how they behave."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint

from sandbox.apis.portal import routes
from sandbox.web.api import Api, Audience, Lookups, Operation
from sandbox.web.pages import refuse_foreign_forms


def _prepare(blueprint: Blueprint) -> None:
    blueprint.before_request(refuse_foreign_forms)


PORTAL = Api(
    name="portal",
    prefix="/portal",
    title="Member portal",
    cites=("42 CFR 422.119(g)",),
    audience=Audience.PUBLIC,
    operations=(
        Operation("GET", "", "home", routes.home, "Show the connected apps, and whether sharing is on."),
        Operation("POST", "/login", "log_in", routes.log_in),
        Operation("POST", "/logout", "log_out", routes.log_out),
        Operation("POST", "/opt-in", "opt_in", routes.opt_in),
        Operation("POST", "/opt-out", "opt_out", routes.opt_out),
        Operation("POST", "/revoke", "revoke", routes.revoke),
    ),
    causes=files(__package__) / "causes.yaml",
    lookups=Lookups(next_step=routes.find_next_step),
    prepare=_prepare,
)

EDUCATION = Api(
    name="education",
    prefix="/member",
    title="Member education",
    cites=("42 CFR 422.119(g)",),
    audience=Audience.PUBLIC,
    operations=(
        Operation("GET", "/education", "read", routes.education, "Explain what members should know."),
    ),
)

APIS = (PORTAL, EDUCATION)
