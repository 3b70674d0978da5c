"""read, vread and the history of a resource, with validators for conditional requests (RFC 9110 §13)."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.http import http_date

from sandbox.auth.tokens.access_token import Access
from sandbox.core.errors import bad_request, not_found
from sandbox.fhir import bundle, dates
from sandbox.fhir.library import Stored
from sandbox.fhir.search.query import parse
from sandbox.fhir.subset import subset
from sandbox.web.negotiation import strict
from sandbox.web.request import RequestContext
from sandbox.web.rest.access import arrive, reader

ELEMENTS = "_elements"
"""The one parameter of a read."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def read(kind: str, id: str) -> Response:
    context, allowed = arrive(kind, "r", id)
    return _one(find_stored(context, allowed, kind, id))


def find_stored(context: RequestContext, allowed: Access, kind: str, id: str) -> Stored:
    """One resource that this token reaches, as it is shown."""
    if not _ID.fullmatch(id):
        not_found(f"There is no {kind} with this id.")
    return reader(context, allowed, context.now()).read(kind, id)


def vread(kind: str, id: str, version: str) -> Response:
    context, allowed = arrive(kind, "r")
    return _one(reader(context, allowed, context.now()).version(kind, id, version))


def history(kind: str, id: str) -> Response:
    """All versions in one Bundle: there are few. `_count` is a hint that is not taken."""
    context, allowed = arrive(kind, "r")
    for name, value in request.args.items():
        if value and name not in ("_since", "_count", "_format", "_pretty") and strict():
            bad_request(f"_history has no parameter {name[:64]}.", name[:64])
    text = request.args.get("_since", "")
    since = (
        dates.parse_parameter(text, "_since", "an instant, such as 2027-01-01T00:00:00Z")[0] if text else 0
    )
    seen = reader(context, allowed, context.now()).history(kind, id, since)
    url = f"{context.address}/{kind}/{id}/_history"
    if text:
        url += "?" + urlencode({"_since": text})
    return Response(bundle.history(seen, context.address, url), content_type=bundle.JSON)


def no_history(kind: str = "") -> NoReturn:
    text = "The history of one resource is at [type]/[id]/_history."
    not_found(text, "not-supported", cause="history-without-resource")


def validators(stored: Stored) -> list[tuple[str, str]]:
    """ETag and Last-Modified."""
    return [("ETag", bundle.etag(stored)), ("Last-Modified", http_date(stored.updated // 1000))]


def _one(stored: Stored) -> Response:
    """A resource, or the elements of it that are asked for, with its validators; or 304 for who has it
    already."""
    query = parse(stored.type, [(ELEMENTS, text) for text in request.args.getlist(ELEMENTS)])
    body = subset(stored.body, query.elements) if query.elements else stored.body
    response = Response(body, content_type=bundle.JSON)
    response.headers.extend(validators(stored))
    if "If-None-Match" in request.headers or "If-Modified-Since" in request.headers:
        response.make_conditional(request)
    return response
