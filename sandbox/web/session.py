"""A browser at the payer's pages: one session, shared by sign-in and portal, signed in or not yet.

The cookie is HttpOnly, SameSite=Lax, Secure under TLS only (browsers drop Secure cookies on plain
loopback) and of this payer's prefix; its name is this server's own, since cookies do not know ports.
Signing in always makes a new session, so that a cookie planted before is worth nothing after. Sessions
that follow each other in one browser share its `browser`. Every form carries a token: the session's
`csrf`, or where a sign-in begins one of that sign-in, which is good in every tab.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from flask import Response, after_this_request, g, request
from itsdangerous import Signer

from sandbox.auth.password import SignInAttempt, check_password
from sandbox.core.errors import Forbidden
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.sign_ins import BrowserSession
from sandbox.store.secret import digest, new_secret
from sandbox.web.quota import client_address
from sandbox.web.request import current, pin, wiring

COOKIE = "payer_session"
ANONYMOUS_SECONDS = 1800
"""How long a browser may take between its first page and signing in."""


@dataclass(frozen=True)
class Browser:
    """The session of the request in hand. `key` is what the ledger knows its secret by."""

    key: str
    session: BrowserSession

    @property
    def id(self) -> str:
        """What all sessions of this browser share."""
        return self.session.browser or self.key

    @property
    def account(self) -> Account | None:
        """Who is signed in."""
        name = self.session.username
        return current().wiring.accounts.get(name) if name is not None else None


def browser() -> Browser:
    """This browser's session; a new one, nobody signed in, where it has none."""
    browser_session: Browser | None = g.get("browser") or _known()
    if browser_session:
        return _remember(browser_session)
    before = _stored()  # a session that timed out
    return _begin(None, ANONYMOUS_SECONDS, before.id if before else "")


def _known() -> Browser | None:
    stored = _stored()
    return stored if stored and stored.session.expires > current().now() else None


def _stored() -> Browser | None:
    """The session of this request's cookie, even when it is over."""
    secret = kept(COOKIE)
    session = current().ledger.session(secret) if secret else None
    return Browser(digest(secret), session) if session else None


def cookie_digest() -> str:
    """The digest of this request's cookie, whether there is such a session or not."""
    return digest(kept(COOKIE))


def _begin(username: str | None, seconds: int, browser: str, csrf: str | None = None) -> Browser:
    now, secret = current().now(), new_secret()
    session = BrowserSession(username, csrf or new_secret(16), now + seconds * 1000, now, browser)
    current().ledger.add_session(secret, session)
    _send_cookie(secret)
    return _remember(Browser(digest(secret), session))


def _remember(browser_session: Browser) -> Browser:
    g.browser = browser_session
    return browser_session


def sign_in(account: Account, browser: str = "") -> Browser:
    """A new session of this member; the browser's old one ends. `browser` is that of the request it is for,
    where the old one is over already. The same member's forms in other tabs stay good."""
    before = _known()
    same = before is not None and before.session.username == account.username
    _end()
    return _begin(
        account.username,
        current().payer.session_seconds,
        before.id if before else browser,
        before.session.csrf if before and same else None,
    )


def sign_out() -> None:
    """End the session; the browser goes on with another one, nobody signed in."""
    before = _known()
    _end()
    _begin(None, ANONYMOUS_SECONDS, before.id if before else "")


def _end() -> None:
    current().ledger.end_session(kept(COOKIE))


def _send_cookie(secret: str) -> None:
    @after_this_request
    def send(response: Response) -> Response:
        if g.browser.key == digest(secret):  # the last of this request
            keep(response, COOKIE, secret)
        return response


def cookie_name(name: str) -> str:
    """The name of a cookie at this server: two servers on one host get each other's cookies, whatever
    their ports, and neither may overwrite the other's. It comes with the ledger, so it stays."""
    return f"{name}_{digest(f'cookie|{wiring().page_key}')[:8]}"


def kept(name: str) -> str:
    """The value of a cookie that `keep` has set; empty if there is none."""
    return request.cookies.get(cookie_name(name), "")


def keep(response: Response, name: str, value: str) -> None:
    """Set a cookie of this browser session: this payer's prefix only, no scripts, no cross-site posts."""
    response.set_cookie(
        cookie_name(name),
        value,
        path=(request.script_root or "") + "/",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def login_token(sign_in: str) -> str:
    """The token of the login form of a sign-in (its id): whoever signs in in one tab has a new session,
    and the form in another tab must still be good."""
    return Signer(wiring().page_key, salt="login form").get_signature(sign_in).decode()


def require_token(*more: str) -> None:
    """The form's `csrf` must be this session's, or one of those that are good as well. Raises Forbidden."""
    current = _known()
    good = [*more, *([current.session.csrf] if current else [])]
    sent = request.form.get("csrf", "").encode("utf-8", "replace")
    if not any(hmac.compare_digest(sent, token.encode()) for token in good):
        text = "This form is out of date: load the page again and try once more"
        raise Forbidden(text, cause="form-out-of-date")


def attempt() -> SignInAttempt:
    """Check the posted user name and password.

    `<member>@<scenario>` signs the member in and pins the scenario to what comes of it. Raises NotFound
    for an unknown scenario.
    """
    context, accounts = current(), current().wiring.accounts
    name = request.form.get("username", "").strip()
    username, _, scenario = (name, "", "") if name in accounts or "@" not in name else name.rpartition("@")
    password, for_apps = request.form.get("password", ""), current().api.is_issuer
    tried = check_password(context, username, password, client_address(), for_apps=for_apps)
    if tried.wait:
        current().notes["cause"] = "too-many-passwords"
    elif tried.account is None:
        current().notes["cause"] = "password-wrong"
    elif scenario:
        pin(current().wiring.catalog.parse(scenario))
    return tried
