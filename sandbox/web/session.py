"""A browser at the payer's pages: one session, shared by sign-in and portal, signed in or not yet.

The cookie is HttpOnly, SameSite=Lax, Secure under TLS only (browsers drop Secure cookies on plain
loopback) and of this payer's prefix. Signing in always makes a new session, so that a cookie planted
before is worth nothing after. Every form carries the session's `csrf`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from flask import Response, after_this_request, g, request

from sandbox.auth import throttle
from sandbox.core.errors import Forbidden
from sandbox.core.roster import Account
from sandbox.store.secret import digest, new_secret
from sandbox.store.tenant.signin import Session
from sandbox.web.origin import caller_address
from sandbox.web.visit import here, pin

COOKIE = "payer_session"
ANONYMOUS_SECONDS = 1800
"""How long a browser may take between its first page and signing in."""

_NOBODY = new_secret()


@dataclass(frozen=True)
class Browser:
    """The session of the request in hand. `key` is what the ledger knows its secret by."""

    key: str
    session: Session

    @property
    def account(self) -> Account | None:
        """Who is signed in."""
        name = self.session.username
        return here().rooms.accounts.get(name) if name is not None else None


def browser() -> Browser:
    """This browser's session; a new one, nobody signed in, where it has none."""
    found: Browser | None = g.get("browser") or _known()
    return _remember(found) if found else _begin(None, ANONYMOUS_SECONDS)


def _known() -> Browser | None:
    secret = request.cookies.get(COOKIE, "")
    session = here().ledger.session(secret) if secret else None
    if session is None or session.expires <= here().desk.now():
        return None
    return Browser(digest(secret), session)


def _begin(username: str | None, seconds: int) -> Browser:
    now, secret = here().desk.now(), new_secret()
    session = Session(username, new_secret(16), now + seconds * 1000, now)
    here().ledger.add_session(secret, session)
    _send_cookie(secret)
    return _remember(Browser(digest(secret), session))


def _remember(found: Browser) -> Browser:
    g.browser = found
    return found


def sign_in(account: Account) -> Browser:
    """A new session of this member; the browser's old one ends."""
    _end()
    return _begin(account.username, here().payer.session_seconds)


def sign_out() -> None:
    """End the session; the browser goes on with another one, nobody signed in."""
    _end()
    _begin(None, ANONYMOUS_SECONDS)


def _end() -> None:
    here().ledger.end_session(request.cookies.get(COOKIE, ""))


def _send_cookie(secret: str) -> None:
    @after_this_request
    def send(response: Response) -> Response:
        if g.browser.key == digest(secret):  # the last of this request
            keep(response, COOKIE, secret)
        return response


def keep(response: Response, name: str, value: str) -> None:
    """Set a cookie of this browser session: this payer's prefix only, no scripts, no cross-site posts."""
    response.set_cookie(
        name,
        value,
        path=(request.script_root or "") + "/",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def require_token() -> None:
    """The form's `csrf` must be this session's. Raises Forbidden."""
    found = _known()
    given = request.form.get("csrf", "").encode("utf-8", "replace")
    if found is None or not hmac.compare_digest(given, found.session.csrf.encode()):
        raise Forbidden("This form is out of date: load the page again and try once more")


@dataclass(frozen=True)
class Attempt:
    """What came of a posted user name and password: an account, or seconds to wait, or neither."""

    account: Account | None
    wait: int | None = None


def _password(account: Account) -> str:
    """What opens the sign-in of apps: the portal's password, unless the payer keeps another one."""
    apart = account.line in here().payer.separate_credentials and request.path.startswith("/auth/")
    return f"{account.password}-apps" if apart else account.password


def attempt() -> Attempt:
    """Try the posted user name and password. An unknown name takes the same path as a wrong password.

    `<member>@<scenario>` logs the member in and pins the scenario to what comes of it. Raises NotFound
    for an unknown scenario.
    """
    desk, accounts = here().desk, here().rooms.accounts
    name, address = request.form.get("username", "").strip(), caller_address(request.environ)
    username, _, scenario = (name, "", "") if name in accounts or "@" not in name else name.rpartition("@")
    if wait := throttle.waiting(desk, username, address):
        return Attempt(None, wait)
    account = accounts.get(username)
    expected = digest(_password(account) if account else _NOBODY)
    right = hmac.compare_digest(digest(request.form.get("password", "")), expected)
    if account is None or not right:
        throttle.failed(desk, username, address)
        return Attempt(None)
    throttle.succeeded(desk, username, address)
    if scenario:
        pin(here().rooms.catalog.parse(scenario))
    return Attempt(account)


def status(tried: Attempt | None) -> int:
    """The status of a login page: asked, refused, or told to wait."""
    return 200 if tried is None else 429 if tried.wait else 400


def wait_header(response: Response, tried: Attempt | None) -> Response:
    """`Retry-After` on a page that tells somebody to wait."""
    if tried is not None and tried.wait:
        response.headers["Retry-After"] = str(tried.wait)
    return response
