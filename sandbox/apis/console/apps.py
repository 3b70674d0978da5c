"""The tab "Apps": the clients of this payer, registering one, decisions about one, a new secret."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.auth.clients.client import SECRET_METHODS
from sandbox.auth.clients.registration import understand
from sandbox.auth.clients.registry import CRITERIA
from sandbox.auth.errors import OAuthRefusal
from sandbox.core.errors import SandboxProblem
from sandbox.web import operator
from sandbox.web.enrollment import enroll
from sandbox.web.request import current

SHOWN = 200
"""Apps on the page."""

METHODS = {"none": "No secret (public app)", "client_secret_basic": "Client secret"}
"""How an app that is registered here authenticates."""


def home(status: int = 200, **more: Any) -> Response:
    """Every app, and the form that registers one."""
    clients = list(current().clients.values())
    return render(
        "apps.html",
        "apps",
        status,
        clients=clients[:SHOWN],
        total=len(clients),
        methods=METHODS,
        secret_methods=SECRET_METHODS,
        criteria=CRITERIA,
        **more,
    )


def register() -> Response:
    """Register an app as RFC 7591 has it, and show its secret once."""
    form = request.form
    metadata = {
        "client_name": form.get("client_name", "").strip(),
        "redirect_uris": form.get("redirect_uris", "").split(),
        "token_endpoint_auth_method": form.get("method", "none"),
        "grant_types": ["authorization_code", "refresh_token"],
    }
    try:
        client, secret, _ = enroll(understand(metadata))
    except OAuthRefusal as refused:
        return home(400, problem=refused.description)
    except SandboxProblem as refused:
        return home(refused.status, problem=refused.text)
    return home(201, registered=client, secret=secret)


def decide(id: str) -> AnyResponse:
    """Approve, deny or suspend an app, or give it a new secret, which the page shows once."""
    context, client, form = current(), operator.find_client(id), request.form
    try:
        if form.get("action") == "rotate":
            secret = operator.rotate_secret(id, notice=form.get("when") == "later")
            return home(registered=operator.find_client(id), secret=secret)
        context.clients.decide(
            client.client_id, form.get("state"), form.get("criterion") or None, context.now()
        )
    except SandboxProblem as refused:
        return home(refused.status, problem=refused.text)
    return redirect(f"{context.address}/apps", 303)
