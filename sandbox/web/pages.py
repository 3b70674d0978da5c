"""Pages for people: rendering with the headers that keep them safe, and the browser's cookie."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Response, g, render_template, request

from sandbox.core.errors import Forbidden
from sandbox.core.roster import Account
from sandbox.store.ledger import digest, new_secret
from sandbox.web.visit import here, pin

BROWSER = "payer_browser"


def page(template: str, status: int = 200, *, leads_to: str | None = None, **values: object) -> Response:
    """An HTML page that may not be framed, cached or scripted.

    `leads_to` is the app's redirect URI: Chromium applies form-action to the redirect that follows
    a form, so the way back to the app must be allowed by name.
    """
    # A failure may come before there is a visit: such a page wears no payer's brand.
    visit = here() if "visit" in g else None
    body = render_template(template, visit=visit, payer=visit.payer if visit else None, **values)
    response = Response(body, status=status)
    target = _origin(leads_to) if leads_to else ""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {target}".strip()
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def _origin(uri: str) -> str:
    """A CSP source for a redirect URI: its origin, or its scheme when it is an app's own. Nothing
    for an IPv6 address, which CSP cannot name (the whole scheme is allowed then)."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or ":" in (parts.hostname or ""):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def from_another_origin() -> bool:
    """Whether a browser says that a page of somebody else sent this request."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def who_logs_in() -> Account | None:
    """The account that the posted user name and password belong to. `<member>@<scenario>` logs the
    member in and pins the scenario to what comes of it. Raises NotFound for an unknown scenario."""
    accounts = here().rooms.accounts
    name = request.form.get("username", "").strip()
    member, _, scenario = (name, "", "") if name in accounts else name.rpartition("@")
    account = accounts.get(member)
    password = digest(request.form.get("password", ""))
    if account is None or not hmac.compare_digest(password, digest(account.password)):
        return None
    if scenario:
        pin(here().rooms.catalog.parse(scenario))
    return account


def refuse_foreign_forms() -> None:
    """A form posted from another site is not the member's doing (login CSRF included)."""
    foreign = from_another_origin() or request.headers.get("Sec-Fetch-Site") == "cross-site"
    if request.method == "POST" and foreign:
        raise Forbidden("This form was sent from another site")


def browser_secret() -> str:
    """The secret of this browser, from its cookie or new."""
    return request.cookies.get(BROWSER) or new_secret()


def keep_cookie(response: Response, name: str, value: str) -> None:
    """Set a session cookie: this payer's prefix only, no scripts, no cross-site posts."""
    response.set_cookie(
        name,
        value,
        path=(request.script_root or "") + "/",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
