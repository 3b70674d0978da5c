"""The member portal: switch sharing on or off, see which apps have access, take it back."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth import consent as consents
from sandbox.auth.password import SignInAttempt
from sandbox.auth.scopes import split
from sandbox.core.errors import Forbidden
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.grants import Grant
from sandbox.web import quota, session
from sandbox.web.api import NextStep
from sandbox.web.pages import login_page, page
from sandbox.web.request import current


def home() -> Response:
    browser = session.browser()
    account = browser.account
    if account is None:
        return _login_page()
    context = current()
    return page(
        "portal.html",
        account=account,
        csrf=browser.session.csrf,
        opted_in=context.opted_in(account),
        needed=context.payer.portal_opt_in,
        pending=context.payer.connection_approval
        and "approved" not in context.ledger.standing(account.username),
        apps=[_app(grant) for grant in context.ledger.grants_of(account.username)],
    )


def _app(grant: Grant) -> dict[str, object]:
    """What the portal tells of an app with access."""
    context = current()
    client, whose = context.clients.get(grant.client), context.wiring.members.get(grant.patient)
    classes = consents.offered(split(grant.scope), context.types())
    return {
        "grant": grant,
        "name": client.name if client else grant.client,
        "whose": whose.name if whose else grant.patient,
        "data": [consents.words(name) for name in classes],
        "lasting": "offline_access" in split(grant.scope),
    }


def _login_page(tried: SignInAttempt | None = None) -> Response:
    csrf = session.browser().session.csrf
    return login_page("portal_login.html", tried, again=f"{current().base}/portal", csrf=csrf)


def log_in() -> AnyResponse:
    session.require_token()
    tried = session.attempt()
    if tried.account is None:
        return _login_page(tried)
    session.sign_in(tried.account)
    return _home()


def log_out() -> AnyResponse:
    _signed_in()
    session.sign_out()
    return _home()


def opt_in() -> AnyResponse:
    account = _signed_in()
    current().ledger.unmark(account.username, "opted-out")
    quota.take("opt-in")
    current().ledger.opt_in(account.username, current().now())
    return _home()


def opt_out() -> AnyResponse:
    """No new app may connect. Apps that have access keep it: each is ended by itself."""
    account = _signed_in()
    current().ledger.mark(account.username, "opted-out", current().now())
    return _home()


def revoke() -> AnyResponse:
    account = _signed_in()
    context = current()
    grant = context.ledger.grant(request.form.get("grant", ""))
    if grant is None or grant.username != account.username:
        raise Forbidden("This is not one of your apps", cause="not-an-app-of-the-member")
    context.ledger.revoke_grant(grant.id, context.now())
    return _home()


def _home() -> AnyResponse:
    return redirect(f"{current().base}/portal", 303)


def _signed_in() -> Account:
    """Who sent this form of the portal. Raises Forbidden."""
    session.require_token()
    account = session.browser().account
    if account is None:
        raise Forbidden("Sign in to the portal and try again", cause="portal-sign-in-missing")
    current().notes["member"] = account.username
    return account


def education() -> Response:
    """For members, what to know before an app gets their data (42 CFR 422.119(g)): public, and it asks
    nothing of whoever reads it."""
    return page("education.html")


def find_next_step(status: int) -> NextStep:
    """From an error of a form the member goes on to the portal."""
    return NextStep("Member portal", current().address)
