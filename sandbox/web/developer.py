"""The public developer page: addresses, clients, members to try, scenarios. No login."""

from __future__ import annotations

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.errors import NotFound
from sandbox.web.pages import page
from sandbox.web.visit import here

developer = Blueprint("developer", __name__)


@developer.get("/")
def root() -> AnyResponse:
    return redirect(f"{here().base}/developer")


@developer.get("/developer")
def home() -> Response:
    visit = here()
    if visit.payer.developer_portal != "portal":
        how = f": write to {visit.payer.developer_email}" if visit.payer.developer_portal == "email" else ""
        raise NotFound(f"This payer has no developer portal{how}")
    named = [account for account in visit.rooms.accounts.values() if account.purpose]
    return page(
        "developer.html",
        clients=visit.rooms.clients.values(),
        members=named,
        scenarios=visit.rooms.catalog.by_id.values(),
        origin=visit.base.partition("/s/")[0],
    )
