"""The tab "Members": who they are, why they may or may not connect, signing in as one, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import print_json, render
from sandbox.core.errors import SandboxProblem
from sandbox.core.members import Account
from sandbox.web import operator
from sandbox.web.request import current

SHOWN = 100
"""Members on the page."""

DECISIONS = {
    "lock": ("locked", True),
    "unlock": ("locked", False),
    "approve": ("approved", True),
    "withdraw-approval": ("approved", False),
    "opt-in": ("opted_in", True),
    "opt-out": ("opted_out", True),
}
"""Action of a form → what is decided, and how."""


@dataclass(frozen=True)
class ListedMember:
    """A member as the page lists them; `refusal` says why they may not connect an app (empty: they may)."""

    account: Account
    refusal: str


def home() -> Response:
    """The members whose user name, name, role or purpose contains the words of the search."""
    words = request.args.get("q", "").strip().casefold()[:100]
    matching = operator.search_accounts(words)
    listed = [ListedMember(account, _refusal(account)) for account in matching[:SHOWN]]
    return render("members.html", "members", words=words, listed=listed, total=len(matching))


def _refusal(account: Account) -> str:
    refusal = operator.find_refusal(account)
    return refusal.text if refusal else ""


def member(username: str) -> Response:
    """A member: what is decided about them, what they granted, and what data there is."""
    return _page(operator.find_account(username))


def _page(account: Account, status: int = 200, **more: Any) -> Response:
    context = current()
    counts = context.wiring.library.count_by_type(account.patient, context.now())
    return render(
        "member.html",
        "members",
        status,
        account=account,
        described=operator.describe_member(account),
        refusal=_refusal(account),
        grants=list(_grants(account)),
        counts=counts,
        **more,
    )


def _grants(account: Account) -> Iterator[dict[str, Any]]:
    context = current()
    for grant in context.ledger.grants_of(account.username):
        client = context.clients.get(grant.client)
        yield {"grant": grant, "name": client.name if client else grant.client}


def sign_in(username: str) -> Response:
    """Sign the member in as an app does, and show what the token endpoint answered."""
    account = operator.find_account(username)
    try:
        answer = operator.sign_in(username, request.form.get("scope", "").strip())
    except SandboxProblem as problem:
        return _page(account, problem.status, problem=problem.text)
    return _page(account, token_status=answer.status_code, token=print_json(answer.get_data(as_text=True)))


def decide(username: str) -> AnyResponse:
    """Lock, approve, opt in or out; revoke what the member granted."""
    account, context, action = operator.find_account(username), current(), request.form.get("action", "")
    if action in DECISIONS:
        name, value = DECISIONS[action]
        operator.decide_member(account, {name: value})
    elif action == "revoke":
        operator.revoke_grants(account, request.form.get("client") or None)
    return redirect(f"{context.address}/members/{username}", 303)
