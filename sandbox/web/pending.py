"""The sign-in in hand: the authorization request that this browser is on the way through."""

from __future__ import annotations

import hmac

from flask import redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth.household import Choice, choices
from sandbox.auth.request import AuthorizationRequest
from sandbox.core.errors import BadRequest
from sandbox.core.roster import Account
from sandbox.store.secret import new_secret
from sandbox.store.tenant.signin import Pending
from sandbox.web import quota, session
from sandbox.web.visit import Visit, here, refine

SECONDS = 1800
"""How long a member may take between /authorize and the answer."""


def begin(asked: AuthorizationRequest, browser: session.Browser, account: Account | None) -> Pending:
    """Keep a request that was asked for, until it is answered. Raises TooManyRequests."""
    quota.take("sign-in")
    visit = here()
    pending = Pending(
        new_secret(),
        browser.key,
        asked.to_json(),
        account.username if account else None,
        visit.desk.now() + SECONDS * 1000,
    )
    visit.ledger.add_pending(pending)
    return pending


def found() -> tuple[Pending, AuthorizationRequest]:
    """The request that this browser started. Raises BadRequest for a stranger's, a finished or a
    stale one."""
    visit = here()
    pending = visit.ledger.pending(request.values.get("request", ""))
    ours = pending is not None and hmac.compare_digest(pending.browser, session.browser().key)
    if pending is None or not ours or pending.expires <= visit.desk.now():
        raise BadRequest("This sign-in is finished, expired or was started in another browser")
    asked = AuthorizationRequest.from_json(pending.request)
    client = visit.clients.get(asked.client_id)
    if client is None or client.refusal:
        raise BadRequest("The client application is not known to this payer")
    return pending, asked


def member(pending: Pending) -> Account:
    """Who signed in for this request. A session that ended since, or became another's, does not count."""
    account = session.browser().account
    if account is None or account.username != pending.username:
        raise BadRequest("Sign in first")
    return account


def choice(account: Account, patient: str | None) -> Choice:
    """One of those whose data this account may share. Raises BadRequest for anybody else."""
    for each in choices(here().desk, account):
        if each.patient == patient:
            return each
    raise BadRequest("Choose one of the people in the list")


def known(account: Account, asked: AuthorizationRequest) -> Visit:
    """The visit, knowing who is here and for which app."""
    visit = refine(member=account.username, client=asked.client_id)
    visit.notes.update(member=account.username, client=asked.client_id)
    return visit


def to(step: str, pending: Pending) -> AnyResponse:
    """On to the next page of a sign-in."""
    return redirect(f"{here().auth}/{step}?request={pending.id}", 303)
