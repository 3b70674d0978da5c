"""A JSON document for a person with a browser: a page with indented JSON, whose addresses are links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from flask import Response, g, request
from markupsafe import Markup

from sandbox.core.files import json_exact, json_pretty
from sandbox.web.pages import page
from sandbox.web.request import current

_URL = re.compile(r'(?<=")(https?://[^"\\\s]+)(?=")')


def offer_page(response: Response, title: str, *, is_wanted: bool) -> Response:
    """Let `show_offered` turn a document into a page. Programs get the bytes that they always got."""
    response.vary.update(("Accept", "Sec-Fetch-Mode"))
    if is_wanted:
        g.document_title = title
    return response


def show_offered(response: Response) -> None:
    """Turn a document that a person asked for into a page, with whatever faults have made of it."""
    if "document_title" not in g or response.status_code != 200 or response.is_streamed:
        return
    body = response.get_data()
    shown = page(
        "document.html",
        title=g.document_title,
        address=f"{current().base}{request.path}",
        content_type=response.content_type,
        parts=list(_link_addresses(_indent(body))),
    )
    response.set_data(shown.get_data())
    for name, value in shown.headers:
        response.headers[name] = value


def _indent(body: bytes) -> str:
    with suppress(ValueError):  # a fault broke it, and a reader should see that
        body = json_pretty(json_exact(body))
    return body.decode("utf-8", "replace")


def _link_addresses(text: str) -> Iterator[Markup | str]:
    for number, part in enumerate(_URL.split(text)):
        yield Markup('<a href="{}">{}</a>').format(part, part) if number % 2 else part
