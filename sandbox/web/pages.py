"""Pages for people: rendering with the headers that keep them safe, in the reader's language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, render_template, request

from sandbox.auth.password import SignInAttempt
from sandbox.core.errors import Forbidden
from sandbox.web import i18n
from sandbox.web.guard import is_from_another_origin
from sandbox.web.request import current


@dataclass(frozen=True)
class Snippet:
    """Code that a page shows in one language. `id` is for the page, `title` for people."""

    id: str
    title: str
    code: str


def page(
    template: str,
    status: int = 200,
    *,
    leaves: bool = False,
    again: str | None = None,
    scripted: bool = False,
    **values: Any,
) -> Response:
    """An HTML page that may not be framed or cached, and has no script unless it is `scripted`.

    `leaves`: a form of this page may end at an app. Chromium applies form-action to every redirect
    that follows a form, and an app may send the browser on to an origin that nobody registered; so such
    a page has no form-action. `again` is where the same page can be had in another language, when this
    one answers a form. A template has `visit`, `payer`, `static`, `lang` and the translator `t`
    (web/i18n.py) beside `values`.
    """
    # A failure may come before there is a visit: such a page wears no payer's brand.
    context = current() if "context" in g else None
    # Below a scenario that there is not, there are no style sheets either.
    root = request.script_root if context else re.sub(r"/s/[^/]*$", "", request.script_root)
    lang = i18n.language()
    body = render_template(
        template,
        context=context,
        payer=context.payer if context else None,
        static=f"{root}/static",
        lang=lang,
        t=partial(i18n.translate, lang),
        languages=_languages(lang, again),
        scripted=scripted,
        **values,
    )
    response = Response(body, status=status)
    forms = "" if leaves else "; form-action 'self'"
    scripts = "; script-src 'self'; connect-src 'self'" if scripted else ""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'{scripts}{forms}"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = lang
    return response


def login_page(template: str, tried: SignInAttempt | None, **values: Any) -> Response:
    """A form for user name and password: 400 after wrong ones, 429 with Retry-After where one has to wait."""
    status = 200 if tried is None else 429 if tried.wait else 400
    response = page(template, status, tried=tried, username=request.form.get("username", ""), **values)
    if tried is not None and tried.wait:
        response.headers["Retry-After"] = str(tried.wait)
    return response


def _languages(lang: str, again: str | None) -> list[tuple[str, str, str]]:
    """The other languages of this page: tag, name, address. None for an answer to a form that cannot
    be asked for again."""
    if request.method not in ("GET", "HEAD") and again is None:
        return []
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    where = again or f"{request.script_root}{request.path}?{urlencode(query, errors='replace')}"
    joint = "" if where.endswith("?") else "&" if "?" in where else "?"
    return [(tag, name, f"{where}{joint}lang={tag}") for tag, name in i18n.LANGUAGES.items() if tag != lang]


def refuse_foreign_forms() -> None:
    """A form posted from another site is not the member's doing (login CSRF included)."""
    if request.method == "POST" and is_from_another_origin():
        raise Forbidden("This form was sent from another site", cause="form-of-another-site")
