"""What an operator does, by the control API and the console: clock, members, apps, scenarios, review."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, current_app

from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import described
from sandbox.auth.eligibility import Refusal
from sandbox.auth.household import choices
from sandbox.core.clock import duration
from sandbox.core.errors import NotFound, UsageError, bad_request
from sandbox.core.members import Account
from sandbox.faults.one_shot import OneShot
from sandbox.faults.selection import Selection
from sandbox.web import quota
from sandbox.web.request import current

CLOCK_OFFSET_MAX = timedelta(days=36525)

MARKS = {"locked": "locked", "approved": "approved", "opted_out": "opted-out"}
"""What can be decided about a member → its mark in the ledger."""


@dataclass(frozen=True)
class Reviewer:
    """What the report card of an app needs of `sandbox.review`; the server provides it."""

    exchanges: Callable[[list[dict[str, Any]]], Any]
    clients: Callable[[Any], Sequence[str]]
    review: Callable[[Any, float, str | None, str], Any]
    evidence: Callable[..., Any]
    evidence_max: int


def move_clock(*, advance: str | None = None, to: str | None = None) -> tuple[datetime, timedelta]:
    """Move the tenant's clock by an ISO 8601 duration, or to an instant with its zone.

    Returns the payer's time, and how far it is ahead. Raises BadRequest.
    """
    context = current()
    offset = timedelta(milliseconds=context.ledger.offset())
    try:
        if advance is not None:
            offset += duration(advance)
        else:
            offset = datetime.fromisoformat(to or "") - context.wiring.clock.now()
    except (ValueError, TypeError, OverflowError):
        bad_request("advance must be an ISO 8601 duration such as P90D; set must be a time with time zone")
    if abs(offset) > CLOCK_OFFSET_MAX:
        bad_request("The clock can be moved by at most a century")
    context.ledger.move_clock(offset // timedelta(milliseconds=1))
    context.wiring.ledger.upkeep.run()  # some things are over now
    return context.wiring.clock.now() + offset, offset


def switch_scenarios(selection: str) -> None:
    """Put scenarios in force for this payer, besides those of its address; an empty selection ends that.

    Raises NotFound for an unknown scenario, BadRequest where the selection names a session.
    """
    context = current()
    parsed = context.wiring.catalog.parse(selection) if selection else Selection()
    if parsed.session:
        bad_request("A selection that is switched on has no session", "selection")
    context.ledger.switch(parsed.name)


def arm_fault(fault: OneShot, source: str) -> None:
    """Arm a fault for the next calls; `source` says who did. Raises TooManyRequests."""
    context = current()
    quota.take("fault")
    context.ledger.arm(fault.to_json(), fault.times, f"{source} {context.request_id}")


def find_account(username: str) -> Account:
    """Return the account with this user name. Raises NotFound."""
    account = current().wiring.accounts.get(username)
    if account is None:
        raise NotFound("No member has this user name")
    return account


def search_accounts(words: str) -> list[Account]:
    """Return the accounts whose user name, name, role, purpose or patient contains every word."""
    wanted = words.casefold().split()
    return [account for account in current().wiring.accounts.values() if _has_words(account, wanted)]


def _has_words(account: Account, words: Sequence[str]) -> bool:
    text = f"{account.username} {account.name} {account.role} {account.purpose} {account.patient}".casefold()
    return all(word in text for word in words)


def decide_member(account: Account, decisions: Mapping[str, bool]) -> None:
    """Lock, approve or opt out a member, or take it back. `decisions` has keys of `MARKS`.

    `opted_in` switches sharing with apps on or off, as the member does in the portal.
    """
    context = current()
    for name, value in decisions.items():
        if name == "opted_in":
            name, value = "opted_out", not value
            if not value:
                context.ledger.opt_in(account.username, context.now())
        if value:
            context.ledger.mark(account.username, MARKS[name], context.now())
        else:
            context.ledger.unmark(account.username, MARKS[name])


def find_refusal(account: Account) -> Refusal | None:
    """Return why no app may connect for a member; None: one may."""
    return current().refusal(account, acting=bool(account.fhir_user))


def describe_member(account: Account) -> dict[str, Any]:
    """Return what is decided about a member, whether an app may connect, and whose data they may share."""
    context = current()
    standing = context.ledger.standing(account.username)
    refusal = find_refusal(account)
    return {
        "username": account.username,
        **{name: mark in standing for name, mark in MARKS.items()},
        "opted_in": context.opted_in(account),
        "refusal": refusal.reason if refusal else None,
        "may_share": [choice.patient for choice in choices(context, account)],
    }


def sign_in(member: str, scope: str = "", refresh: int = 0) -> Response:
    """Sign a member in as an app does, and return exactly what the token endpoint answered.

    A sign-in that ends before there is a token request is a BadRequest that says how it ended.
    """
    try:
        answer = current_app.extensions["sign_in"](
            current().base, member=member, scope=scope, refresh=refresh
        )
    except UsageError as problem:
        bad_request(str(problem))
    response = Response(answer.body, answer.status, content_type=answer.content_type)
    if not answer.content_type:
        del response.headers["Content-Type"]
    return response


def revoke_grants(account: Account, client_id: str | None = None) -> int:
    """Revoke what a member has granted to an app, or to every app. Returns how many grants ended."""
    context = current()
    grants = [g for g in context.ledger.grants_of(account.username) if client_id in (None, g.client)]
    for grant in grants:
        context.ledger.revoke_grant(grant.id, context.now())
    return len(grants)


def find_client(id: str) -> Client:
    """Return the client with this id. Raises NotFound."""
    client = current().clients.get(id)
    if client is None:
        raise NotFound("This payer knows no such client")
    return client


def describe_client(client: Client) -> dict[str, Any]:
    """Return a client in the words of RFC 7591, and what the operator knows besides."""
    until = client.old_secret_until
    return described(client) | {
        "registered": client.registered is not None,
        "old_secret_until": datetime.fromtimestamp(until / 1000, UTC).isoformat() if until else None,
    }


def rotate_secret(id: str, *, notice: bool) -> str:
    """Give a client a new secret; with notice the old one stays good for a while. Raises BadRequest."""
    context = current()
    return context.clients.rotate(id, context.payer, context.now(), notice=notice)
