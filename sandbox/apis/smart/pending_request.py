"""The sign-in in hand: the authorization request that this browser is on the way through."""

from __future__ import annotations

import hmac

from flask import g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth.authorization.request import AuthorizationRequest
from sandbox.auth.errors import CallbackError
from sandbox.auth.household import Choice, choices
from sandbox.core.errors import BadRequest
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.sign_ins import Pending
from sandbox.store.secret import new_secret
from sandbox.web import quota, session
from sandbox.web.api import NextStep
from sandbox.web.request import RequestContext, current

SECONDS = 1800
"""How long a member may take between /authorize and the answer."""


def begin(auth_request: AuthorizationRequest, browser: session.Browser, account: Account | None) -> Pending:
    """Keep a request that was asked for, until it is answered. Raises TooManyRequests."""
    quota.take("sign-in")
    context = current()
    pending = Pending(
        new_secret(),
        browser.id,
        auth_request.to_json(),
        account.username if account else None,
        context.now() + SECONDS * 1000,
    )
    context.ledger.add_pending(pending)
    return pending


def find_pending() -> tuple[Pending, AuthorizationRequest]:
    """The request that this browser started. Raises BadRequest for a stranger's, and CallbackError for one
    that is over: its redirect URI is known and trusted."""
    context = current()
    pending = context.ledger.pending(request.values.get("request", ""))
    if pending is None or not _is_ours(pending):
        raise BadRequest("This sign-in is over, or was started in another browser", cause="sign-in-over")
    auth_request = AuthorizationRequest.from_json(pending.request)
    client = context.clients.get(auth_request.client_id)
    if client is None or client.refusal or not client.allows_redirect(auth_request.redirect_uri):
        raise BadRequest("The client application is not known to this payer", cause="client-unknown")
    g.sign_in = pending
    for is_over, text in (
        (pending.expires <= context.now(), "This sign-in took too long"),
        (_is_redeemed(pending), "This sign-in is finished already"),
    ):
        if is_over:
            raise CallbackError(
                auth_request.redirect_uri, "access_denied", text, auth_request.state, cause="sign-in-over"
            )
    return pending, auth_request


def _is_ours(pending: Pending) -> bool:
    """Whether this browser started the request. The login form may come twice: the second time with the
    cookie of the session that the first has ended."""
    login_session = pending.login_session or ""
    again = request.method == "POST" and request.path.endswith("/login")
    if again and hmac.compare_digest(login_session, session.cookie_digest()):
        return True
    return hmac.compare_digest(pending.browser, session.browser().id)


def _is_redeemed(pending: Pending) -> bool:
    code = current().ledger.code_by_hash(pending.code) if pending.code else None
    return pending.code is not None and (code is None or code.spent is not None)


def find_next_step(status: int) -> NextStep:
    """Where the sign-in in hand goes on, for a page that says why it does not here."""
    pending: Pending | None = g.get("sign_in")
    if pending is None or status >= 500:
        return NextStep("Go back to the app and connect again.")
    account = session.browser().account
    signed_in = account is not None and account.username == pending.username
    url = f"{current().issuer}/{'consent' if signed_in else 'login'}?request={pending.id}"
    return NextStep("Continue signing in", url)


def member(pending: Pending) -> Account:
    """Who signed in for this request. A session that ended since, or became another's, does not count."""
    account = session.browser().account
    if account is None or account.username != pending.username:
        raise BadRequest("Sign in first", cause="sign-in-over")
    return account


def choice(account: Account, patient: str | None) -> Choice:
    """One of those whose data this account may share. Raises BadRequest for anybody else."""
    for offered in choices(current(), account):
        if offered.patient == patient:
            return offered
    raise BadRequest("Choose one of the people in the list", cause="sign-in-over")


def note_member(account: Account, auth_request: AuthorizationRequest) -> RequestContext:
    """Note who signed in, and for which app, and return the context."""
    context = current()
    context.learn(member=account.username, client=auth_request.client_id)
    context.notes.update(member=account.username, client=auth_request.client_id)
    return context


def to(step: str, pending: Pending) -> AnyResponse:
    """On to the next page of a sign-in."""
    return redirect(f"{current().issuer}/{step}?request={pending.id}", 303)
