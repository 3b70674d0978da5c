"""The calls about members and apps: lock, approve, opt out; approve, deny, suspend, rotate a secret."""

from __future__ import annotations

from flask import Response

from sandbox.apis.control.models import AppChange, Revocation, StandingChange, json_response, read_body
from sandbox.auth.clients.registry import CRITERIA
from sandbox.web import operator
from sandbox.web.request import current


def member(username: str) -> Response:
    """What is decided about a member, whether an app may connect, and whose data they may share."""
    return json_response(operator.describe_member(operator.find_account(username)))


def decide_member(username: str) -> Response:
    """Lock, approve or opt out a member, or take it back."""
    account = operator.find_account(username)
    operator.decide_member(account, read_body(StandingChange).model_dump(exclude_unset=True))
    return json_response(operator.describe_member(account))


def revoke_grants(username: str) -> Response:
    """End what a member has granted, to one app or to all, as the member does in the portal."""
    account = operator.find_account(username)
    return json_response({"revoked": operator.revoke_grants(account, read_body(Revocation).client)})


def clients() -> Response:
    """Every app this payer knows, and the criteria by which one may be denied or suspended."""
    apps = [operator.describe_client(client) for client in current().clients.values()]
    return json_response({"clients": apps, "criteria": CRITERIA})


def client(id: str) -> Response:
    return json_response(operator.describe_client(operator.find_client(id)))


def decide_client(id: str) -> Response:
    """`{"state": "approved"}`, `{"state": "denied" | "suspended", "criterion": "…"}`, or
    `{"rotate_secret": "with-notice" | "at-once"}`, which answers with the new secret."""
    context, client, change = current(), operator.find_client(id), read_body(AppChange)
    if change.rotate_secret is not None:
        secret = operator.rotate_secret(context, id, notice=change.rotate_secret == "with-notice")
        return json_response({**operator.describe_client(operator.find_client(id)), "client_secret": secret})
    context.clients.decide(client.client_id, change.state, change.criterion, context.now())
    return json_response(operator.describe_client(operator.find_client(id)))
