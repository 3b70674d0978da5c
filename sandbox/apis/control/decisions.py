"""The calls about members and apps: lock, approve, opt out; approve, deny, suspend, rotate a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from sandbox.apis.control.models import AppChange, StandingChange, json_response, read_body
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import described
from sandbox.auth.clients.registry import CRITERIA
from sandbox.auth.household import choices
from sandbox.core.errors import NotFound
from sandbox.core.members import Account
from sandbox.web.request import current

MARKS = {"locked": "locked", "approved": "approved", "opted_out": "opted-out"}
"""Word of the API → mark in the ledger."""


def member(username: str) -> Response:
    """What is decided about a member, whether an app may connect, and whose data they may share."""
    return _describe_member(_find_account(username))


def decide_member(username: str) -> Response:
    """Lock, approve or opt out a member, or take it back."""
    account, context = _find_account(username), current()
    for word, value in read_body(StandingChange).model_dump(exclude_unset=True).items():
        if value:
            context.ledger.mark(username, MARKS[word], context.now())
        else:
            context.ledger.unmark(username, MARKS[word])
    return _describe_member(account)


def _find_account(username: str) -> Account:
    """The account with this user name. Raises NotFound."""
    account = current().wiring.accounts.get(username)
    if account is None:
        raise NotFound("No member has this user name")
    return account


def _describe_member(account: Account) -> Response:
    context = current()
    standing = context.ledger.standing(account.username)
    refusal = context.refusal(account, acting=bool(account.fhir_user))
    return json_response(
        {
            "username": account.username,
            **{word: mark in standing for word, mark in MARKS.items()},
            "refusal": refusal.reason if refusal else None,
            "may_share": [choice.patient for choice in choices(context, account)],
        }
    )


def clients() -> Response:
    """Every app this payer knows, and the criteria by which one may be denied or suspended."""
    return json_response(
        {"clients": [_describe_client(c) for c in current().clients.values()], "criteria": CRITERIA}
    )


def client(id: str) -> Response:
    return json_response(_describe_client(_find_client(id)))


def decide_client(id: str) -> Response:
    """`{"state": "approved"}`, `{"state": "denied" | "suspended", "criterion": "…"}`, or
    `{"rotate_secret": "with-notice" | "at-once"}`, which answers with the new secret."""
    context, client, change = current(), _find_client(id), read_body(AppChange)
    if change.rotate_secret is not None:
        notice = change.rotate_secret == "with-notice"
        secret = context.clients.rotate(id, context.payer, context.now(), notice=notice)
        return json_response({**_describe_client(_find_client(id)), "client_secret": secret})
    context.clients.decide(client.client_id, change.state, change.criterion, context.now())
    return json_response(_describe_client(_find_client(id)))


def _find_client(id: str) -> Client:
    client = current().clients.get(id)
    if client is None:
        raise NotFound("This payer knows no such client")
    return client


def _describe_client(client: Client) -> dict[str, Any]:
    until = client.old_secret_until
    return described(client) | {
        "registered": client.registered is not None,
        "old_secret_until": datetime.fromtimestamp(until / 1000, UTC).isoformat() if until else None,
    }
