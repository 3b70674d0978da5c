"""What a payer's staff decide about a member: lock, approve, opt out; for the control API."""

from __future__ import annotations

from typing import Any

from sandbox.auth.household import choices
from sandbox.core.errors import NotFound, bad_request
from sandbox.core.members import Account
from sandbox.web.request import here

MARKS = {"locked": "locked", "approved": "approved", "opted_out": "opted-out"}
"""Word of the API → mark in the ledger."""


def told(username: str) -> dict[str, Any]:
    """What is decided, whether an app may connect today, and whose data the member may share.

    Raises NotFound for a user name that nobody has.
    """
    account = _account(username)
    desk = here().desk
    standing = desk.ledger.standing(username)
    refusal = desk.refusal(account, acting=bool(account.fhir_user))
    return {
        "username": username,
        **{word: mark in standing for word, mark in MARKS.items()},
        "refusal": refusal.reason if refusal else None,
        "may_share": [choice.patient for choice in choices(desk, account)],
    }


def decide(username: str, body: object) -> dict[str, Any]:
    """`{"locked": true}`, `{"approved": false}`, `{"opted_out": true}`, or several at once.

    Raises BadRequest for anything else, NotFound for a user name that nobody has.
    """
    _account(username)
    if not isinstance(body, dict) or not body or set(body) - set(MARKS):
        bad_request(f"The body is an object of {', '.join(MARKS)}, each true or false")
    if not all(isinstance(value, bool) for value in body.values()):
        bad_request(f"{', '.join(body)}: each is true or false")
    desk = here().desk
    for word, value in body.items():
        if value:
            desk.ledger.mark(username, MARKS[word], desk.now())
        else:
            desk.ledger.unmark(username, MARKS[word])
    return told(username)


def _account(username: str) -> Account:
    account = here().rooms.accounts.get(username)
    if account is None:
        raise NotFound("No member has this user name")
    return account
