"""The member portal: switch sharing on, see which apps have access, take it back."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.errors import Forbidden
from sandbox.core.roster import Account
from sandbox.store.ledger import Session, new_secret
from sandbox.web.pages import keep_cookie, page, refuse_foreign_forms, who_logs_in
from sandbox.web.visit import here

portal = Blueprint("portal", __name__, url_prefix="/portal")


@portal.app_template_filter("day")
def day(at: int) -> str:
    """The day of an instant in milliseconds, as people write it here."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%B %-d, %Y")


COOKIE = "payer_portal"
SESSION_SECONDS = 3600

portal.before_request(refuse_foreign_forms)


@portal.get("")
def home() -> Response:
    session = _session()
    if session is None:
        return page("portal_login.html", problem=None, username="")
    account, csrf = session
    visit = here()
    grants = visit.ledger.grants_of(account.username)
    return page(
        "portal.html",
        account=account,
        csrf=csrf,
        opted_in=visit.desk.opted_in(account),
        needed=visit.payer.portal_opt_in,
        apps=[(grant, visit.rooms.clients.get(grant.client)) for grant in grants],
    )


@portal.post("/login")
def log_in() -> AnyResponse:
    visit = here()
    account = who_logs_in()
    if account is None:
        problem = "This user name and password do not belong together."
        return page("portal_login.html", 400, problem=problem, username=request.form.get("username", ""))
    response = redirect(f"{visit.base}/portal", 303)
    secret = new_secret()
    until = visit.desk.now() + SESSION_SECONDS * 1000
    visit.ledger.add_session(secret, Session(account.username, new_secret(16), until))
    keep_cookie(response, COOKIE, secret)  # type: ignore[arg-type]
    return response


@portal.post("/logout")
def log_out() -> AnyResponse:
    _signed_in()
    here().ledger.end_session(request.cookies.get(COOKIE, ""))
    response = redirect(f"{here().base}/portal", 303)
    keep_cookie(response, COOKIE, "")  # type: ignore[arg-type]
    return response


@portal.post("/opt-in")
def opt_in() -> AnyResponse:
    account = _signed_in()
    visit = here()
    visit.ledger.opt_in(account.username, visit.desk.now())
    visit.notes["member"] = account.username
    return redirect(f"{visit.base}/portal", 303)


@portal.post("/revoke")
def revoke() -> AnyResponse:
    account = _signed_in()
    visit = here()
    grant = visit.ledger.grant(request.form.get("grant", ""))
    if grant is None or grant.username != account.username:
        raise Forbidden("This is not one of your apps")
    visit.ledger.revoke_grant(grant.id, visit.desk.now())
    visit.notes["member"] = account.username
    return redirect(f"{visit.base}/portal", 303)


def _session() -> tuple[Account, str] | None:
    """Who is signed in, and the token that their forms must carry."""
    visit = here()
    found = visit.ledger.session(request.cookies.get(COOKIE, ""))
    account = visit.rooms.accounts.get(found.username) if found and found.expires > visit.desk.now() else None
    return (account, found.csrf) if found and account else None


def _signed_in() -> Account:
    session = _session()
    if session is None or not hmac.compare_digest(request.form.get("csrf", ""), session[1]):
        raise Forbidden("Sign in to the portal and try again")
    return session[0]
