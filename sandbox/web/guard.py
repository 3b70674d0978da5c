"""Who may do what apps may not: the control API, and everything else that is for whoever runs the payer.

A key, once set, is asked of everybody. Without one, callers on this machine are let in: not those
that a proxy speaks for, and no page of another origin.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import request
from itsdangerous import BadSignature, Signer
from werkzeug.wrappers import Response

from sandbox.core.errors import Forbidden
from sandbox.core.hosts import format_host, parse_host
from sandbox.web.api import Audience, ErrorShape
from sandbox.web.http.origin import is_local, received_host
from sandbox.web.request import current, wiring

KEY = "X-Sandbox-Key"
COOKIE = "payer_operator"
"""The cookie of a browser in which the key was entered. It opens pages, and no other operation."""
COOKIE_SECONDS = 12 * 3600


def may_control() -> bool:
    """Whether the caller holds the key; where none is set, whether they are on this machine."""
    if wiring().control_key:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sent = request.headers.get(KEY) or bearer
        return is_key(sent) or _has_signed_in()
    return is_local(request.environ, wiring().hosts) and not is_from_another_origin()


def is_key(text: str) -> bool:
    """Whether a text is the control key."""
    return hmac.compare_digest(text.encode("utf-8", "replace"), wiring().control_key.encode())


def remember_operator(response: Response) -> None:
    """Let this browser open the operator's pages for `COOKIE_SECONDS`."""
    expires = wiring().ledger.upkeep.now() + COOKIE_SECONDS * 1000
    value = _cookie_signer().sign(str(expires)).decode()
    response.set_cookie(
        COOKIE, value, COOKIE_SECONDS, httponly=True, samesite="Strict", secure=request.is_secure
    )


def forget_operator(response: Response) -> None:
    """End that."""
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)


def _has_signed_in() -> bool:
    """Whether the key was entered in this browser, and the request is for a page of the operator's."""
    is_page = wiring().apis.surface(request.path).errors is ErrorShape.PAGE
    return is_page and _holds_cookie() and not is_from_another_origin()


def _holds_cookie() -> bool:
    try:
        expires = int(_cookie_signer().unsign(request.cookies.get(COOKIE, "").encode("utf-8", "replace")))
    except (BadSignature, ValueError):
        return False
    return expires > wiring().ledger.upkeep.now()


def _cookie_signer() -> Signer:
    # With another key nobody's cookie is good any more.
    return Signer(wiring().page_key, salt=f"operator {wiring().control_key}")


def form_token() -> str:
    """The token that every form of the operator's pages carries."""
    return _cookie_signer().get_signature(f"form {request.cookies.get(COOKIE, '')}").decode()


def require_form_token() -> None:
    """Raises Forbidden for a POST without the token of this browser's forms."""
    sent = request.form.get("csrf", "")
    if request.method == "POST" and not hmac.compare_digest(
        sent.encode("utf-8", "replace"), form_token().encode()
    ):
        text = "This form is out of date: load the page again and try once more"
        raise Forbidden(text, cause="form-out-of-date")


def require_control(what: str = "The control API", *, cause: str = "control-key-missing") -> None:
    """Raises Forbidden, with the way in, for a caller who may not control."""
    if may_control():
        return
    if wiring().control_key:
        text = f"{what} needs its key (header {KEY}; commands read PAYER_SANDBOX_CONTROL_KEY)"
        raise Forbidden(text, cause=cause)
    if is_from_another_origin():
        raise Forbidden(f"{what} is closed to pages of other sites", cause=cause)
    raise Forbidden(
        f"{what} is open to this machine only, and not through a proxy. For others set a key"
        f" (PAYER_SANDBOX_CONTROL_KEY) and send it (header {KEY})",
        cause=cause,
    )


def require_audience() -> None:
    """Raises Forbidden for an operation of the operator's, where the caller may not control the payer."""
    if request.url_rule is not None and current().surface.audience is Audience.OPERATOR:
        require_control()


def is_from_another_origin() -> bool:
    """Whether a browser says that a page of another origin sent this request.

    Sec-Fetch-Site says it of every request. A browser without it sends Origin with what it posts, and
    Referer with the images and frames of a page.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        return True
    sender = request.headers.get("Origin") or (None if site else request.headers.get("Referer"))
    return sender is not None and _host_of(sender) not in (request.host, received_host(request.environ))


def _host_of(url: str) -> str:
    """The host of a URL as ours are written; empty for what is no address, such as `null`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parse_host(parts.netloc)
    return format_host(*host, parts.scheme) if host else ""
