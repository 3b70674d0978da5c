"""The member portal: switch sharing on, see which apps have access, take it back."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from flask import Blueprint, Response, redirect, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.errors import Forbidden
from sandbox.core.roster import Account
from sandbox.store.ledger import digest, new_secret
from sandbox.web.pages import keep_cookie, page
from sandbox.web.visit import here

portal = Blueprint("portal", __name__, url_prefix="/portal")


@portal.app_template_filter("day")
def day(at: int) -> str:
    """The day of an instant in milliseconds, as people write it here."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%B %-d, %Y")


COOKIE = "payer_portal"


@portal.get("")
def home() -> Response:
    session = _session()
    if session is None:
        return page("portal_login.html", problem=None)
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
    account = visit.rooms.accounts.get(request.form.get("username", "").strip())
    password = request.form.get("password", "")
    if account is None or not hmac.compare_digest(digest(password), digest(account.password)):
        problem = "This user name and password do not belong together."
        return page("portal_login.html", 400, problem=problem)
    response = redirect(f"{visit.base}/portal", 303)
    session = _serializer().dumps([account.username, new_secret(16)])
    keep_cookie(response, COOKIE, session)  # type: ignore[arg-type]
    return response


@portal.post("/logout")
def log_out() -> AnyResponse:
    _signed_in()
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


def _serializer() -> URLSafeSerializer:
    visit = here()
    return URLSafeSerializer(visit.rooms.page_key, salt=f"portal:{visit.tenant}")


def _session() -> tuple[Account, str] | None:
    """Who is signed in, and the token that their forms must carry."""
    try:
        username, csrf = _serializer().loads(request.cookies.get(COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return None
    account = here().rooms.accounts.get(username)
    return (account, csrf) if account else None


def _signed_in() -> Account:
    session = _session()
    if session is None or not hmac.compare_digest(request.form.get("csrf", ""), session[1]):
        raise Forbidden("Sign in to the portal and try again")
    return session[0]
